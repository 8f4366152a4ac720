"""Idempotency records in the memory of one environment: enough to try, not to rely on.

Powertools keeps records in DynamoDB or Redis, and lets a function bring a store of its own. This one knows only what
its own environment has seen; another environment of the same function would take the payment again.
"""

import time

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer

RECORDS_MAX = 10_000


class MemoryStore(BasePersistenceLayer):
    def __init__(self):
        super().__init__()
        self.records = {}

    def _get_record(self, idempotency_key):
        if idempotency_key not in self.records:
            raise IdempotencyItemNotFoundError
        return self.records[idempotency_key]

    def _put_record(self, data_record):
        known = self.records.get(data_record.idempotency_key)
        if known and not self.may_be_replaced(known):
            raise IdempotencyItemAlreadyExistsError(old_data_record=known)
        self.records.pop(data_record.idempotency_key, None)
        if len(self.records) >= RECORDS_MAX:
            # The oldest: a dict keeps the order in which keys came.
            self.records.pop(next(iter(self.records)))
        self.records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record):
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record):
        self.records.pop(data_record.idempotency_key, None)

    @staticmethod
    def may_be_replaced(record):
        """It has expired, or the invocation that it is of has timed out."""
        abandoned = record.in_progress_expiry_timestamp
        return record.is_expired or bool(record.status == "INPROGRESS" and abandoned and abandoned < time.time() * 1000)
