"""The module does not compile: Runtime.UserCodeSyntaxError in the init phase."""


def handler(event, context)
    return event
