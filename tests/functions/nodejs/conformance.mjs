// Handlers that tell what they were given.
import { userInfo } from "node:os";

/** Returns the event. */
export const echo = async (event) => event;

/**
 * Returns every field of the context object; the remaining time before and after a sleep of event.sleep_ms. Fails with
 * event.error where there is one; adds who runs it to the fields where event.user is true.
 */
export const context = async (event, context) => {
  if (event.error) {
    throw new Error(event.error);
  }
  const before = context.getRemainingTimeInMillis();
  await new Promise((done) => setTimeout(done, event.sleep_ms ?? 100));
  return {
    remaining_ms_before: before,
    remaining_ms_after: context.getRemainingTimeInMillis(),
    function_name: context.functionName,
    function_version: context.functionVersion,
    invoked_function_arn: context.invokedFunctionArn,
    memory_limit_in_mb: context.memoryLimitInMB,
    aws_request_id: context.awsRequestId,
    log_group_name: context.logGroupName,
    log_stream_name: context.logStreamName,
    tenant_id: context.tenantId ?? null,
    trace_id: context.xRayTraceId ?? null,
    trace_variable: process.env._X_AMZN_TRACE_ID ?? null,
    identity: context.identity ?? null,
    client_context: context.clientContext ?? null,
    ...(event.user ? { user: user() } : {}),
  };
};

const user = () => {
  const { username, homedir } = userInfo();
  return { name: username, home: homedir };
};

/** Writes through each method of the console, one of them on two lines. */
export const output = async () => {
  console.log("a log\nof two lines");
  console.info("an info");
  console.warn("a warning");
  console.error("an error");
  process.stdout.write("no end");
  return "written";
};

/** Streams three parts, 100 ms apart, as an HTTP response with a header of its own. */
export const streaming = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "x-part-count": "3" } });
  for (const part of ["one ", "two ", "three"]) {
    stream.write(part);
    await new Promise((done) => setTimeout(done, 100));
  }
  stream.end();
});
