"""Synthetic runs at scale, and two yardsticks that answer the same questions from them."""
