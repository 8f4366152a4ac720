// Command conformance is a function on AWS's unmodified Go client that tells what it was given.
//
// Go's client does not read a handler's name: what the program starts is the handler. So that a test can see what a
// program without one gets, the variable HANDLER may be `nil` or `number`.
package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	SleepMs *int64 `json:"sleep_ms"`
	Error   string `json:"error"`
	User    bool   `json:"user"`
}

type fields struct {
	RemainingMsBefore  int64          `json:"remaining_ms_before"`
	RemainingMsAfter   int64          `json:"remaining_ms_after"`
	FunctionName       string         `json:"function_name"`
	FunctionVersion    string         `json:"function_version"`
	InvokedFunctionArn string         `json:"invoked_function_arn"`
	MemoryLimitInMb    int            `json:"memory_limit_in_mb"`
	AwsRequestID       string         `json:"aws_request_id"`
	LogGroupName       string         `json:"log_group_name"`
	LogStreamName      string         `json:"log_stream_name"`
	TenantID           string         `json:"tenant_id"`
	TraceID            any            `json:"trace_id"`
	TraceVariable      string         `json:"trace_variable"`
	Identity           identity       `json:"identity"`
	ClientContext      *clientContext `json:"client_context"`
	User               *who           `json:"user,omitempty"`
}

type who struct {
	Name string `json:"name"`
	Home string `json:"home"`
}

type identity struct {
	CognitoIdentityID     string `json:"cognito_identity_id"`
	CognitoIdentityPoolID string `json:"cognito_identity_pool_id"`
}

type clientContext struct {
	Custom map[string]string               `json:"custom"`
	Env    map[string]string               `json:"env"`
	Client lambdacontext.ClientApplication `json:"client"`
}

// conformance returns every field of the context; the remaining time before and after a sleep; and who runs it, where
// asked. Or the error asked for.
func conformance(ctx context.Context, event event) (*fields, error) {
	if event.Error != "" {
		return nil, errors.New(event.Error)
	}
	before := remainingMs(ctx)
	sleep := int64(100)
	if event.SleepMs != nil {
		sleep = *event.SleepMs
	}
	time.Sleep(time.Duration(sleep) * time.Millisecond)
	given, _ := lambdacontext.FromContext(ctx)
	var runs *who
	if event.User {
		found, err := user.Current()
		if err != nil {
			return nil, err
		}
		runs = &who{Name: found.Username, Home: found.HomeDir}
	}
	return &fields{
		RemainingMsBefore:  before,
		RemainingMsAfter:   remainingMs(ctx),
		FunctionName:       lambdacontext.FunctionName,
		FunctionVersion:    lambdacontext.FunctionVersion,
		InvokedFunctionArn: given.InvokedFunctionArn,
		MemoryLimitInMb:    lambdacontext.MemoryLimitInMB,
		AwsRequestID:       given.AwsRequestID,
		LogGroupName:       lambdacontext.LogGroupName,
		LogStreamName:      lambdacontext.LogStreamName,
		TenantID:           given.TenantID,
		TraceID:            ctx.Value("x-amzn-trace-id"),
		TraceVariable:      os.Getenv("_X_AMZN_TRACE_ID"),
		Identity:           identity(given.Identity),
		ClientContext:      sent(given.ClientContext),
		User:               runs,
	}, nil
}

func remainingMs(ctx context.Context) int64 {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline).Milliseconds()
}

// sent tells a client context that was sent, whose maps are there, from the client's empty one.
func sent(given lambdacontext.ClientContext) *clientContext {
	if given.Custom == nil && given.Env == nil && given.Client == (lambdacontext.ClientApplication{}) {
		return nil
	}
	return &clientContext{Custom: given.Custom, Env: given.Env, Client: given.Client}
}

func main() {
	switch os.Getenv("HANDLER") {
	case "nil":
		lambda.Start(nil)
	case "number":
		lambda.Start(42)
	default:
		lambda.Start(conformance)
	}
}
