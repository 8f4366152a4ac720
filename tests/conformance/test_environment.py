"""What the function's process finds around it."""

import json
import re

import pytest

from fixtures import VARIABLES

# A second environment, where one is started by mistake, must have time to show.
CALLS = 200


@pytest.fixture
def surroundings(endpoint):
    return endpoint.call("conformance.environment").json


@pytest.fixture
def variables(surroundings):
    return surroundings["variables"]


def test_own_variables(endpoint, variables):
    """Guide, configuration-envvars: "An environment variable is a pair of strings that is stored in a function's version-specific configuration. The Lambda runtime makes environment variables available to your code" """
    assert {name: variables.get(name) for name in VARIABLES} == VARIABLES


def test_function_variables(endpoint, variables):
    """Guide, configuration-envvars: "AWS_LAMBDA_FUNCTION_NAME – The name of the function", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE – The amount of memory available to the function in MB", "AWS_LAMBDA_FUNCTION_VERSION – The version of the function being executed" """
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "handlers"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"


def test_log_variables(endpoint, variables):
    """Guide, configuration-envvars: "AWS_LAMBDA_LOG_GROUP_NAME, AWS_LAMBDA_LOG_STREAM_NAME – The name of the Amazon CloudWatch Logs group and stream for the function" """
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/handlers"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", variables["AWS_LAMBDA_LOG_STREAM_NAME"])


def test_region_variables(endpoint, variables):
    """Guide, configuration-envvars: "AWS_REGION – The AWS Region where the Lambda function is executed." """
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"


def test_handler_variable(endpoint, variables):
    """Guide, configuration-envvars: "_HANDLER – The handler location configured on the function." """
    assert variables["_HANDLER"] == "dispatch.handler"


def test_initialization_type(endpoint, variables):
    """Guide, configuration-envvars: "AWS_LAMBDA_INITIALIZATION_TYPE – The initialization type of the function" """
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"


def test_runtime_api_variable(endpoint, variables):
    """Guide, configuration-envvars: "AWS_LAMBDA_RUNTIME_API – (Custom runtime) The host and port of the runtime API." """
    assert re.fullmatch(r"[0-9.]+:\d+", variables["AWS_LAMBDA_RUNTIME_API"])


def test_execution_environment_variable(endpoint, variables):
    """Guide, configuration-envvars: "AWS_EXECUTION_ENV – The runtime identifier, prefixed by AWS_Lambda_" """
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"


def test_task_root_variables(endpoint, variables):
    """Guide, configuration-envvars: "LAMBDA_TASK_ROOT – The path to your Lambda function code." """
    assert variables["LAMBDA_TASK_ROOT"] and variables["LAMBDA_RUNTIME_DIR"]


def test_xray_variables(endpoint, variables):
    """Guide, configuration-envvars: "AWS_XRAY_CONTEXT_MISSING – For X-Ray tracing, Lambda sets this to LOG_ERROR to avoid throwing runtime errors from the X-Ray SDK." """
    assert variables["AWS_XRAY_CONTEXT_MISSING"] == "LOG_ERROR"


def test_xray_daemon_variables(endpoint, variables):
    """Guide, configuration-envvars: "AWS_XRAY_DAEMON_ADDRESS – For X-Ray tracing, the IP address and port of the X-Ray daemon." """
    address = f"{variables['_AWS_XRAY_DAEMON_ADDRESS']}:{variables['_AWS_XRAY_DAEMON_PORT']}"
    assert variables["AWS_XRAY_DAEMON_ADDRESS"] == address


def test_language_variable(endpoint, variables):
    """Guide, configuration-envvars: "LANG – The locale of the runtime (en_US.UTF-8)." """
    assert variables["LANG"] == "en_US.UTF-8"


def test_a_variable_that_is_not_reserved_may_be_set(endpoint, variables):
    """Guide, configuration-envvars: "TZ – The environment's time zone": it may be extended by the function. """
    assert variables["TZ"] == "Europe/Berlin"


def test_nothing_of_the_platform(endpoint, variables):
    """Recording test_lambda_init_environment: the variables that are there, and no others but the function's own. """
    known = re.compile(r"AWS_.*|_AWS_XRAY_DAEMON_(ADDRESS|PORT)|_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_(TASK_ROOT|RUNTIME_DIR)|LANG|LC_CTYPE|TZ|PATH|LD_LIBRARY_PATH|PYTHONPATH|PWD|SHLVL|HOME|HOSTNAME|TMPDIR|_")
    assert sorted(name for name in variables if not known.fullmatch(name) and name not in VARIABLES) == []
    assert [name for name in variables if name.startswith(("KUBE", "AWS_LAMBDA_RIE"))] == []


def test_working_directory(endpoint, surroundings):
    """Recording test_runtime_introspection_x86: `"pwd": "/var/task"`, which LAMBDA_TASK_ROOT names. """
    assert surroundings["working_directory"] == surroundings["variables"]["LAMBDA_TASK_ROOT"]


def test_open_files_limit(endpoint, surroundings):
    """Recording test_runtime_ulimits: `"RLIMIT_NOFILE": [1024, 1024]`. """
    assert surroundings["open_files_limit"] == [1024, 1024]


def test_open_files(endpoint, surroundings):
    """Guide, gettingstarted-limits: "File descriptors: 1,024": they are the function's; the process holds standard streams, a telemetry descriptor and its client's connections. """
    assert len(surroundings["open_files"]) <= 8, surroundings["open_files"]


def test_tmp_is_writable_and_lives_on(endpoint):
    """Guide, lambda-runtime-environment: "Each execution environment provides between 512 MB and 10,240 MB, in 1-MB increments, of disk space in the /tmp directory. The directory content remains when the execution environment is frozen" """
    first, second = (endpoint.call("conformance.scratch", "single").json["lines"] for _ in range(2))
    assert second[:-1] == first


def test_environment_is_used_again(endpoint):
    """Guide, lambda-runtime-environment: "Objects declared outside of the function's handler method remain initialized, providing additional optimization when the function is invoked again." """
    seen = [endpoint.call("conformance.warmth", "reused").json for _ in range(CALLS)]
    assert {one["started"] for one in seen} == {seen[0]["started"]}, "one caller after the other had several environments"
    assert [one["invocations"] for one in seen] == list(range(seen[0]["invocations"], seen[0]["invocations"] + CALLS))


def test_metadata_endpoint(endpoint):
    """Guide, configuration-metadata-endpoint: "The Lambda metadata endpoint lets your functions discover which Availability Zone (AZ) they are running in" """
    answer = endpoint.call("conformance.metadata").json
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert answer["status"] == 200 and headers["content-type"] == "application/json", answer
    assert headers["cache-control"] == "private, max-age=43200, immutable"
    assert json.loads(answer["body"]) == {"AvailabilityZoneID": "use1-az1"}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer 03030303-0303-4303-8303-030303030303"])
def test_metadata_endpoint_without_its_token(endpoint, authorization):
    """Emulator, the metadata endpoint's check: without the token there is no answer. """
    answer = endpoint.call("conformance.metadata", authorization=authorization).json
    assert (answer["status"], answer["body"]) == (401, "Unauthorized\n")
