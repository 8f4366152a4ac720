"""GetFunctionConfiguration, by boto3, as the service model and recorded answers have it."""

import urllib.parse

import boto3
import botocore.config
import pytest


@pytest.fixture(name="ask")
def asks_about(endpoint):
    """Asks about one of the suite's functions; `name` replaces its name, as the endpoint writes names."""
    def ask(function="handlers", name=None, **more):
        host, port, path = endpoint.address(function)
        written = urllib.parse.unquote(path.split("/")[3])
        if name:
            written = written[:len(written) - len(function)] + name
        lambda_client = boto3.client(
            "lambda", endpoint_url=f"http://{host}:{port}", region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )
        return lambda_client.get_function_configuration(FunctionName=written, **more)
    return ask


def test_settings_are_returned(ask):
    """Model: "Returns the version-specific settings of a Lambda function or version." """
    told = ask()
    assert (told["FunctionName"], told["Runtime"], told["Handler"]) == ("handlers", "python3.11", "dispatch.handler")
    assert (told["Timeout"], told["MemorySize"], told["Version"]) == (15, 256, "$LATEST")
    assert (told["State"], told["LastUpdateStatus"]) == ("Active", "Successful")
    assert told["FunctionArn"].split(":")[:4] == ["arn", "aws", "lambda", "us-east-1"]
    assert told["FunctionArn"].endswith(":function:handlers")


def test_settings_that_nobody_wrote_have_defaults(ask):
    """Recording of GetFunctionConfiguration: a function made without them has these. """
    told = ask()
    assert (told["PackageType"], told["Architectures"], told["Description"]) == ("Zip", ["x86_64"], "")
    assert (told["EphemeralStorage"], told["TracingConfig"]) == ({"Size": 512}, {"Mode": "PassThrough"})
    assert told["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/handlers"}
    assert told["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}


def test_variables_are_not_told(ask):
    """Model, EnvironmentResponse: "Error messages for environment variables that couldn't be applied." """
    assert set(ask()["Environment"]) == {"Error"}
    assert "Environment" not in ask("short")


def test_qualifier_of_the_unpublished_version(ask):
    """Model: "Qualifier: Specify a version or alias to get details about a published version of the function." """
    assert ask(Qualifier="$LATEST")["FunctionArn"].endswith(":function:handlers:$LATEST")


@pytest.mark.parametrize("name", ["absent", "handlers:7", "handlers:live"])
def test_absent_function_version_or_alias(ask, name):
    """Recording: "Function not found: arn:<partition>:lambda:<region>:111111111111:function:<function-name:1>:10" """
    with pytest.raises(Exception) as raised:
        ask(name=name)
    error = raised.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("ResourceNotFoundException", 404)
    assert error["Error"]["Message"].startswith("Function not found: arn:aws:lambda:us-east-1:")
    assert error["Error"]["Message"].endswith(f":function:{name}")


def test_two_qualifiers(ask):
    """Recording: "The derived qualifier from the function name does not match the specified qualifier." """
    with pytest.raises(Exception) as raised:
        ask(name="handlers:7", Qualifier="8")
    assert raised.value.response["Error"]["Code"] == "InvalidParameterValueException"
