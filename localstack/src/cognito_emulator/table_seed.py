"""Seeds the table of registrations in DynamoDB, as a deployment would make it on AWS."""

from dataclasses import dataclass
from typing import Any

KEY = "client_id"
EXPIRY = "expires_at"


@dataclass(frozen=True, slots=True)
class TableSeed:
    """One table with a string key, whose items end by themselves."""

    dynamodb: Any
    name: str

    def run(self) -> None:
        """Make what is missing; what is there stays as it is, with its items."""
        try:
            self.dynamodb.describe_table(TableName=self.name)
        except self.dynamodb.exceptions.ResourceNotFoundException:
            self.dynamodb.create_table(
                TableName=self.name,
                KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self.dynamodb.get_waiter("table_exists").wait(TableName=self.name)
        expiry = self.dynamodb.describe_time_to_live(TableName=self.name)
        # enabling it twice is an error
        if expiry["TimeToLiveDescription"]["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
            self.dynamodb.update_time_to_live(
                TableName=self.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY},
            )
