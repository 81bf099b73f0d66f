"""What Superset has no command for; run by the Python of its own environment.

python inside_superset.py BUNDLE.zip …    SUPERSET_ADMIN_PASSWORD is what the administrator signs in with
"""

import os
import sys
from zipfile import ZipFile

from superset.app import create_app

ADMINISTRATOR = "admin"


def main(bundles: list[str]) -> None:
    """Let there be an administrator, and make databases, datasets, charts and dashboards be as the bundles say."""
    with create_app().app_context():
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.commands.importers.v1.utils import get_contents_from_bundle
        from superset.utils.core import override_user

        password = os.environ.get("SUPERSET_ADMIN_PASSWORD")
        user = security_manager.find_user(ADMINISTRATOR)
        if user is None:
            user = security_manager.add_user(
                ADMINISTRATOR,
                "Dashboard",
                "administrator",
                "admin@localhost",
                security_manager.find_role("Admin"),
                password=password,
            )
        elif password:
            security_manager.reset_password(user.id, password)
        for bundle in bundles:
            with override_user(user), ZipFile(bundle) as zipped:
                ImportAssetsCommand(get_contents_from_bundle(zipped)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
