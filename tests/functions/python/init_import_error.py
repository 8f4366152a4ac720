"""The module needs one that is not there: Runtime.ImportModuleError in the init phase."""

import a_package_that_nobody_installed  # noqa: F401


def handler(event, context):
    return event
