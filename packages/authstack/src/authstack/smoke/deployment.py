"""What is walked: a deployment, the clients it may know, and who logs in."""

from dataclasses import dataclass, replace
from pathlib import Path

from authstack.credentials import preregistered_secret_file
from authstack.layout import Layout
from authstack.progress import Progress, Stage
from authstack.services import DEMO_PASSWORD, DEMO_USERNAME, PREREGISTERED_CLIENT_ID
from authstack.smoke.browser import open_browser_session
from authstack.smoke.identity import ClientKind, Dynamic, MetadataDocument, Preregistered
from authstack.smoke.journey import Journey
from authstack.smoke.login import BrowserPerson, Person, ScriptedPerson
from authstack.smoke.report import ClientReport, Outcome

_ANSWER_SECONDS = 30.0
_STAGES: dict[Outcome, Stage] = {"passed": "done", "failed": "failed", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Target:
    """The deployment, and what the options say about clients and people."""

    resource: str
    username: str | None
    password: str | None
    client_id: str | None
    client_secret_file: Path | None
    redirect_uri: str
    client_metadata_url: str | None
    browser: bool
    ca_file: Path | None
    host_map: str = ""

    def kinds(self) -> list[ClientKind | ClientReport]:
        """The clients that can be walked; for the others a report that says what is missing."""
        return [self._preregistered(), Dynamic(), self._metadata_document()]

    def _preregistered(self) -> ClientKind | ClientReport:
        if self.client_id and self.client_secret_file:
            return Preregistered(self.client_id, self.client_secret_file, self.redirect_uri)
        return _skipped("preregistered", "needs --client-id and --client-secret-file")

    def _metadata_document(self) -> ClientKind | ClientReport:
        if self.client_metadata_url:
            return MetadataDocument(self.client_metadata_url)
        return _skipped("metadata_document", "needs --client-metadata-url")


def _skipped(kind: str, reason: str) -> ClientReport:
    report = ClientReport(kind)
    report.skip("all", reason)
    return report


def embedded_target(layout: Layout, target: Target) -> Target:
    """The same, with the embedded stack's values where no option was given."""
    document = layout.url("metadata_document") + "/client-metadata.json"
    return replace(
        target,
        resource=layout.resource,
        username=target.username or DEMO_USERNAME,
        password=target.password or DEMO_PASSWORD,
        client_id=target.client_id or PREREGISTERED_CLIENT_ID,
        client_secret_file=target.client_secret_file or preregistered_secret_file(layout),
        redirect_uri=layout.url("preregistered") + "/callback",
        client_metadata_url=target.client_metadata_url or document,
    )


async def walk(target: Target, progress: Progress) -> list[ClientReport]:
    """One client after the other, so that each has the deployment to itself."""
    reports = []
    for kind in target.kinds():
        report = await _walk_one(target, kind, progress)
        progress.tell(report.kind, _STAGES[report.outcome], report.summary())
        reports.append(report)
    return reports


async def _walk_one(
    target: Target, kind: ClientKind | ClientReport, progress: Progress
) -> ClientReport:
    if isinstance(kind, ClientReport):
        return kind
    # Each client has a browser of its own: nobody is logged in when it starts.
    ca_file = str(target.ca_file) if target.ca_file else None
    async with open_browser_session(ca_file, _ANSWER_SECONDS, target.host_map) as session:
        person: Person = (
            BrowserPerson(input)
            if target.browser
            else ScriptedPerson(session, target.username or "", target.password or "")
        )

        def told(step: str) -> None:
            progress.tell(kind.kind, "running", step)

        return await Journey(session, target.resource, kind, person, told).walk()
