"""Runs every test at every endpoint asked for, and tells how many each passes.

`--endpoint NAME` may be given several times. A failure at the emulator is shown but does not fail the run: it is
AWS's, for comparison. A test that passes at both `local` and `pod` with different outlines of their answers (status,
error, header names) fails the run too.
"""

import collections
import pathlib

import pytest

from endpoints import ENDPOINTS, TARGET

ONLY_SHOWN = {"rie"}
# Module → section of the table, in the order in which they run.
TITLES = {
    "test_invoke": "Invoke API", "test_names": "Names and qualifiers", "test_streaming": "Response streaming",
    "test_configuration": "GetFunctionConfiguration",
    "test_context": "Context object", "test_trace": "X-Ray header", "test_environment": "Environment",
    "test_tenants": "Tenant isolation", "test_failures": "Failures", "test_memory": "Out of memory", "test_concurrency": "Concurrency",
    "test_logs": "Logs", "test_json_logs": "JSON logs", "test_runtime_api": "Runtime API",
    "test_runtime_answers": "Runtime API, answers", "test_runtime_refusals": "Runtime API, refusals",
    "test_extensions": "Extensions API", "test_telemetry": "Telemetry and Logs API",
}
# (module, test) → endpoint → passed?, and the outlines of the answers.
results = collections.defaultdict(dict)
outlines = collections.defaultdict(dict)
reasons = {}


def pytest_addoption(parser):
    parser.addoption("--endpoint", action="append", choices=list(ENDPOINTS), help="where to run; default: local")
    parser.addoption("--table", type=pathlib.Path, help="file for the table, in Markdown")


def asked(config):
    return config.getoption("--endpoint") or ["local"]


def pytest_generate_tests(metafunc):
    if "endpoint" in metafunc.fixturenames:
        metafunc.parametrize("endpoint", asked(metafunc.config), indirect=True, scope="session")


@pytest.fixture(scope="session")
def endpoint(request):
    endpoint = ENDPOINTS[request.param]()
    try:
        endpoint.start()
        endpoint.start_early()
        yield endpoint
    finally:
        endpoint.stop()


def at(item):
    """The endpoint that a test runs at, if it runs at one."""
    return item.callspec.params.get("endpoint") if hasattr(item, "callspec") else None


def pytest_collection_modifyitems(config, items):
    names, order = asked(config), list(TITLES)
    alone = not {"local", "pod"} <= set(names)
    items[:] = [item for item in items if at(item) or not alone]
    items.sort(key=lambda item: (names.index(at(item)), order.index(item.module.__name__)) if at(item) else (len(names), 0))
    for item in items:
        assert item.function.__doc__, f"{item.nodeid} quotes no sentence"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if not at(item):
        return report
    name = item.callspec.params["endpoint"]
    cases = [part for part in item.callspec.id.split("-") if part != name]
    test = (item.module.__name__, "-".join([item.originalname, *cases]))
    results[test][name] = results[test].get(name, True) and report.passed
    endpoint = item.funcargs.get("endpoint")
    if endpoint is not None:
        if report.when == "call":
            outlines[test][name] = sorted(endpoint.outlines)
        if report.when == "call" or report.failed:
            # What a fixture that failed was answered is not the next test's either.
            endpoint.outlines = []
        if report.failed:
            endpoint.recover()
    if report.failed:
        reasons[(*test, name)] = str(call.excinfo.value).splitlines()[0][:200] if str(call.excinfo.value) else call.excinfo.typename
    return report


@pytest.fixture(name="differences")
def found_differences():
    return differences()


def differences():
    """Tests that local mode and pods pass with answers of different outlines."""
    return [
        (test, seen["local"], seen["pod"]) for test, seen in outlines.items()
        if {"local", "pod"} <= seen.keys() and seen["local"] != seen["pod"]
        and results[test]["local"] and results[test]["pod"]
    ]


def table(names):
    def row(title, tests):
        passed = [sum(results[test].get(name, False) for test in tests) for name in names]
        return f"| {title} | " + " | ".join(f"{count} of {len(tests)}" for count in passed) + " |"
    lines = ["| section | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for module, title in TITLES.items():
        tests = [test for test in results if test[0] == module]
        if tests:
            lines.append(row(title, tests))
    return [*lines, row("**total**", list(results))]


def details(names):
    for (module, test), passed in results.items():
        for name in names:
            if not passed.get(name, False):
                yield f"- {name}: {TITLES[module]}, `{test}`: {reasons.get((module, test, name), 'did not run')}"
    for (module, test), local, pod in differences():
        yield f"- local and pod differ: {TITLES[module]}, `{test}`: local {local}, pod {pod}"


def pytest_sessionfinish(session, exitstatus):
    failed = any(not passed for of in results.values() for name, passed in of.items() if name not in ONLY_SHOWN)
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and results:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if failed or differences() else pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter, config):
    names = asked(config)
    if not results:
        return
    terminalreporter.section("conformance")
    for line in [*table(names), "", *details(names)]:
        terminalreporter.write_line(line)
    file = config.getoption("--table")
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(["# Conformance", "", *table(names), "", *details(names), ""]))
