"""What `/metrics` says, read as Prometheus reads it."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Scraped:
    samples: tuple[Sample, ...]

    @classmethod
    def of(cls, text: str) -> "Scraped":
        families = text_string_to_metric_families(text)
        return cls(tuple(sample for family in families for sample in family.samples))

    def sum(self, name: str, **labels: str) -> float:
        """Of all series that have these labels, whatever others they have."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, name: str, label: str) -> dict[str, float]:
        """What is not zero, by one label."""
        found: dict[str, float] = {}
        for sample in self.samples:
            if sample.name == name and sample.value:
                value = sample.labels[label]
                found[value] = found.get(value, 0) + sample.value
        return found

    def label_values(self) -> set[str]:
        """`le`, the bounds of histograms' buckets, is the library's own."""
        return {
            value
            for sample in self.samples
            for label, value in sample.labels.items()
            if label != "le"
        }
