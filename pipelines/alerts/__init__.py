"""Warnings to the desk that can still do something about it: each told once, and what became of it is kept."""
