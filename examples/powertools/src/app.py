"""Takes a payment once, however often its event arrives, and tells about it with Powertools for AWS Lambda."""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.metadata import get_lambda_metadata

from memory_store import MemoryStore

# Service and namespace come from the variables POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE.
logger = Logger()
metrics = Metrics()
tracer = Tracer()
once_per_order = IdempotencyConfig(event_key_jmespath="order", raise_on_no_idempotency_key=True)
payments = 0


@logger.inject_lambda_context(correlation_id_path="order")
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event, context):
    once_per_order.register_lambda_context(context)
    metrics.add_metric(name="PaymentAsked", unit=MetricUnit.Count, value=1)
    return pay(payment=event)


@idempotent_function(data_keyword_argument="payment", config=once_per_order, persistence_store=MemoryStore())
@tracer.capture_method
def pay(payment):
    global payments
    payments += 1
    tracer.put_annotation(key="Order", value=payment["order"])
    metrics.add_metric(name="PaymentTaken", unit=MetricUnit.Count, value=1)
    zone = get_lambda_metadata().availability_zone_id
    logger.info("Payment taken", extra={"amount": payment["amount"], "zone": zone})
    return {"order": payment["order"], "amount": payment["amount"], "number": payments}
