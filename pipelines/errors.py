"""The one family of errors that a user can cause and mend."""


class UserError(Exception):
    """Something outside the code is wrong; the message says what, where and the remedy, and is shown without a traceback."""
