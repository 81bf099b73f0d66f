"""Working time at scale: pauses, all kinds of limit, twenty calendars; a yardstick, and peers beside it."""
