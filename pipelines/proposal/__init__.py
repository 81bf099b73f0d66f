"""What stands behind `commitments add-source`: look into a source system, propose its entry, try it, write it."""
