"""Function names and qualifiers, as recorded answers of the service have them.

Recording is `test_function_name_and_qualifier_validation`, the case that a test's id names, unless it says otherwise.
"""

import re

import pytest

FUNCTION_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"


def invoked(endpoint, name, qualifier=None):
    query = f"?Qualifier={qualifier}" if qualifier else ""
    return endpoint.invoke("handlers", path=endpoint.path("", name), query=query)


def violations(*told):
    """The message of the service for so many `(value, member, constraint)`."""
    texts = [f"Value '{value}' at '{member}' failed to satisfy constraint: {constraint}" for value, member, constraint in told]
    return f"{len(told)} validation error{'s' if len(told) > 1 else ''} detected: " + "; ".join(texts)


def pattern(value, member="functionName", expression=FUNCTION_PATTERN):
    return value, member, f"Member must satisfy regular expression pattern: {expression}"


@pytest.mark.parametrize("name", [
    "*", "my-function!", "invalid-account:function:my-function", "arn:aws:lambda:us-east-1::function:my-function",
    "arn:aws:lambda::111111111111:function:my-function", "function:my-function:$LATEST:extra",
], ids=[
    "function_name_is_single_invalid", "invalid_characters_in_function_name", "invalid_account_id_in_partial_arn",
    "missing_account_id_in_arn", "missing_region_in_arn", "partial_arn_with_extra_qualifier",
])
def test_name_that_is_none(endpoint, name):
    """Recording: ValidationException, "Value '…' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: …" """
    answer = invoked(endpoint, name)
    assert (answer.status, answer.error_type) == (400, "ValidationException")
    assert answer.json["message"] == violations(pattern(name))


def test_arn_that_is_none(endpoint):
    """Recording test_invalid_invoke: "1 validation error detected: Value 'arn:<partition>:lambda:<region>:123400000000@function:myfn' at 'functionName' failed to satisfy constraint: …" """
    name = "arn:aws:lambda:us-east-1:123400000000@function:myfn"
    answer = invoked(endpoint, name)
    assert (answer.status, answer.error_type, answer.json["message"]) == (400, "ValidationException", violations(pattern(name)))


def test_qualifier_that_is_none(endpoint):
    """Recording (invalid_characters_in_qualifier): "Value 'invalid!' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+" """
    answer = invoked(endpoint, "my-function", "invalid!")
    assert (answer.status, answer.error_type) == (400, "ValidationException")
    assert answer.json["message"] == violations(pattern("invalid!", "qualifier", QUALIFIER_PATTERN))


def test_qualifier_that_is_too_long(endpoint):
    """Recording (qualifier_too_long): "Value '<a:len(129)>' at 'qualifier' failed to satisfy constraint: Member must have length less than or equal to 128" """
    answer = invoked(endpoint, "my-function", "a" * 129)
    expected = violations(("a" * 129, "qualifier", "Member must have length less than or equal to 128"))
    assert (answer.status, answer.error_type, answer.json["message"]) == (400, "ValidationException", expected)


def test_two_members_that_are_wrong(endpoint):
    """Recording (full_arn_and_qualifier_too_long_and_invalid_region): Count 2, the error of the qualifier before that of the name. """
    name = "my-function!"
    answer = invoked(endpoint, name, "a" * 129)
    expected = violations(("a" * 129, "qualifier", "Member must have length less than or equal to 128"), pattern(name))
    assert (answer.status, answer.error_type, answer.json["message"]) == (400, "ValidationException", expected)


def test_name_that_is_too_long(endpoint):
    """Recording (function_name_too_long): ResourceNotFoundException, "Function not found: arn:<partition>:lambda:<region>:111111111111:function:<a:len(65)>:$LATEST" """
    answer = invoked(endpoint, "a" * 65)
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Message"].endswith(":function:" + "a" * 65 + ":$LATEST")


def test_alias_that_is_too_long(endpoint):
    """Recording (qualifier_too_long1): "Function not found: arn:<partition>:lambda:<region>:111111111111:function:my-function:<a:len(65)>" """
    answer = invoked(endpoint, "my-function", "a" * 65)
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Message"].endswith(":function:my-function:" + "a" * 65)


def test_latest_in_lower_case(endpoint):
    """Recording (lowercase_latest_qualifier): "Function not found: arn:<partition>:lambda:<region>:111111111111:function:my-function:$latest" """
    answer = invoked(endpoint, "my-function", "$latest")
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Message"].endswith(":function:my-function:$latest")


def test_latest_with_another_qualifier(endpoint):
    """Recording (latest_version_with_additional_qualifier): InvalidParameterValueException, "The derived qualifier from the function name does not match the specified qualifier." """
    answer = invoked(endpoint, "my-function:$LATEST", "1")
    assert (answer.status, answer.error_type) == (400, "InvalidParameterValueException")
    assert answer.json["message"] == "The derived qualifier from the function name does not match the specified qualifier."


def test_message_of_an_unknown_function_has_the_qualifier(endpoint):
    """Recording (function_name_too_long): what Invoke did not find is named with ":$LATEST". """
    answer = invoked(endpoint, "doesnotexist")
    assert answer.json["Message"].endswith(":function:doesnotexist:$LATEST") and answer.json["Type"] == "User"


def test_unknown_function(endpoint):
    """Recording test_invoke_exceptions: 404, ResourceNotFoundException, "Function not found: arn:<partition>:lambda:<region>:111111111111:function:doesnotexist", Type User. """
    answer = endpoint.invoke("handlers", path=endpoint.path("doesnotexist"))
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Type"] == "User"
    assert re.match(r"Function not found: arn:aws:lambda:[a-z0-9-]+:\d{12}:function:doesnotexist", answer.json["Message"])


def test_invalid_function_name(endpoint):
    """Recording (invalid_characters_in_function_name): ValidationException, "Value 'my-function!' at 'functionName' failed to satisfy constraint: …" """
    answer = endpoint.invoke("handlers", path=endpoint.path("not a name!"))
    assert (answer.status, answer.error_type) == (400, "ValidationException")
    assert "validation error detected" in answer.json["message"] and "failed to satisfy constraint" in answer.json["message"]


def test_function_by_arn(endpoint):
    """Model: "Function ARN – arn:aws:lambda:us-west-2:123456789012:function:my-function." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", {"a": 1}, path=endpoint.path("", arn))
    assert (answer.status, answer.json) == (200, {"a": 1})


def test_function_by_partial_arn(endpoint):
    """Model: "Partial ARN – 123456789012:function:my-function." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", {"a": 1}, path=endpoint.path("", arn.split(":", 4)[4]))
    assert (answer.status, answer.json) == (200, {"a": 1})


def test_qualifier_latest(endpoint):
    """Model: "Specify a version or alias to invoke a published version of the function." """
    answer = endpoint.invoke("handlers", {"a": 1}, query="?Qualifier=$LATEST")
    assert (answer.status, answer.headers["x-amz-executed-version"]) == (200, "$LATEST")


def test_qualifier_in_the_arn(endpoint):
    """Model: "You can append a version number or alias to any of the formats." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", {"a": 1}, path=endpoint.path("", f"{arn}:$LATEST"))
    assert (answer.status, answer.headers["x-amz-executed-version"]) == (200, "$LATEST")


def test_qualifier_that_is_not_there(endpoint):
    """Model: "The resource specified in the request does not exist." """
    answer = endpoint.invoke("handlers", query="?Qualifier=no-such-alias")
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Message"].startswith("Function not found: ") and answer.json["Message"].endswith(":no-such-alias")


def test_qualifiers_that_contradict(endpoint):
    """Recording (latest_version_with_additional_qualifier): "The derived qualifier from the function name does not match the specified qualifier." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", path=endpoint.path("", f"{arn}:1"), query="?Qualifier=2")
    assert (answer.status, answer.error_type) == (400, "InvalidParameterValueException")
    assert answer.json["message"] == "The derived qualifier from the function name does not match the specified qualifier."


def test_other_region(endpoint):
    """Recording test_get_function_wrong_region: "Functions from '<region>' are not reachable in this region ('<region>')" """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    region = arn.split(":")[3]
    answer = endpoint.invoke("handlers", path=endpoint.path("", arn.replace(region, "eu-west-3")))
    assert answer.status in (400, 404)
    assert f"Functions from 'eu-west-3' are not reachable in this region ('{region}')" in answer.payload.decode()
