package functions;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;

/** Handlers that tell what they were given, such as {@code functions.Conformance::context}. */
public class Conformance {
    /** Returns the event. */
    public Object echo(Object event) {
        return event;
    }

    /**
     * Returns every field of the context object; the remaining time before and after a sleep of event.sleep_ms. Fails
     * with event.error where there is one; adds who runs it to the fields where event.user is true.
     */
    public Map<String, Object> context(Map<String, Object> event, Context context) throws InterruptedException {
        if (event.containsKey("error")) {
            throw new IllegalStateException((String) event.get("error"));
        }
        int before = context.getRemainingTimeInMillis();
        Thread.sleep((int) event.getOrDefault("sleep_ms", 100));
        int after = context.getRemainingTimeInMillis();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("remaining_ms_before", before);
        fields.put("remaining_ms_after", after);
        fields.put("function_name", context.getFunctionName());
        fields.put("function_version", context.getFunctionVersion());
        fields.put("invoked_function_arn", context.getInvokedFunctionArn());
        fields.put("memory_limit_in_mb", context.getMemoryLimitInMB());
        fields.put("aws_request_id", context.getAwsRequestId());
        fields.put("log_group_name", context.getLogGroupName());
        fields.put("log_stream_name", context.getLogStreamName());
        fields.put("tenant_id", context.getTenantId());
        fields.put("trace_id", context.getXrayTraceId());
        fields.put("trace_property", System.getProperty("com.amazonaws.xray.traceHeader"));
        fields.put("identity", identity(context.getIdentity()));
        fields.put("client_context", clientContext(context.getClientContext()));
        if (event.containsKey("user")) {
            fields.put("user", Map.of("name", System.getProperty("user.name"), "home", System.getProperty("user.home")));
        }
        return fields;
    }

    /** Fails with a type of the JDK's. */
    public Object raises(Object event) throws IOException {
        throw new IOException("as asked");
    }

    private static Map<String, Object> identity(CognitoIdentity identity) {
        if (identity == null) {
            return null;
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("cognito_identity_id", identity.getIdentityId());
        fields.put("cognito_identity_pool_id", identity.getIdentityPoolId());
        return fields;
    }

    private static Map<String, Object> clientContext(ClientContext context) {
        if (context == null) {
            return null;
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("custom", context.getCustom());
        fields.put("env", context.getEnvironment());
        fields.put("client", client(context.getClient()));
        return fields;
    }

    private static Map<String, Object> client(Client client) {
        if (client == null) {
            return null;
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("installation_id", client.getInstallationId());
        fields.put("app_title", client.getAppTitle());
        fields.put("app_version_name", client.getAppVersionName());
        fields.put("app_version_code", client.getAppVersionCode());
        fields.put("app_package_name", client.getAppPackageName());
        return fields;
    }
}
