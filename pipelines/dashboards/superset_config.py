"""Superset's settings: read by Superset, in its own environment."""

import os
from pathlib import Path

_HOME = Path(os.environ["SUPERSET_HOME"])

APP_NAME = "Service commitments"
SECRET_KEY = (_HOME / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME}/superset.db"
# Beside the file there is nothing to share it with; a second server would want a real one.
RATELIMIT_STORAGE_URI = "memory://"
