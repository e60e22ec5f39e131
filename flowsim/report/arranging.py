"""The order of every report: two pages of findings with figures, then an appendix.

The composers of the kinds (``of_run.py``, ...) fill in a ``Draft``; what all reports have, and in
which order it stands, is said here once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flowsim import figures
from flowsim.findings import doubts, inputs
from flowsim.findings.finding import Finding
from flowsim.findings.language import final
from flowsim.report import making
from flowsim.report.document import (
    Attachment,
    Block,
    Bullets,
    Document,
    Paragraph,
    Picture,
    Section,
    section,
)
from flowsim.results.base import Results
from flowsim.scenario import resolved_yaml
from flowsim.scenario.schema import Scenario

SHORT = (
    "This appendix is the short one; flowsim report --full adds every number that went in, "
    "every published figure, and every table."
)


@dataclass(frozen=True)
class Draft:
    """What one kind of report says, before what all have in common is put around it.

    Attributes
    ----------
    question : str
        Heading of the first section.
    lead, cautions, answers : tuple of str
        The first sentences; what must be known before one is quoted; the other sentences.
    front : tuple of str
        Figures of the first pages, by name; the first two if empty.
    pages : tuple of Section
        What else stands on the first pages.
    appendix : tuple of Section
        What is particular to this kind.
    shown : tuple of str
        Ids of published figures that are shown.
    commands, same
        How to make it again, and what must agree then.
    extra_doubts : tuple of str
        What these results cannot show.
    baseline : bool
        Whether the other scenarios stand beside the shipped baseline, not beside the first.
    """

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    question: str
    lead: tuple[str, ...]
    cautions: tuple[str, ...]
    answers: tuple[str, ...]
    scenarios: Sequence[Scenario]
    commands: tuple[str, ...]
    same: str
    attachments: tuple[Attachment, ...]
    front: tuple[str, ...] = ()
    pages: tuple[Section, ...] = ()
    appendix: tuple[Section, ...] = ()
    shown: tuple[str, ...] = ()
    extra_doubts: tuple[str, ...] = ()
    baseline: bool = True


def arranged(draft: Draft, found: Results, folder: Path, full: bool) -> Document:
    """Return a report: findings and figures first, then the appendix."""
    pictures = drawn(folder, found.kind)
    front = [p for p in pictures if p.name in draft.front] or pictures[:2]
    rest = tuple(p for p in pictures if p not in front)
    answer: tuple[Block, ...] = (
        *(Paragraph(words, "lead") for words in draft.lead),
        *front[:1],
        *(Bullets(draft.answers),) * bool(draft.answers),
        *front[1:],
    )
    went_in = [inputs.linked(part) for part in _inputs(draft, full)]
    sections_cited = inputs.sections_of_the_model(went_in)
    model = [making.model(sections_cited)] if sections_cited else []
    gravest = doubts.in_short(draft.scenarios[0]).sentences
    sections = (
        Section("answer", draft.question, answer),
        *draft.pages,
        Section("sure", "How sure this is", (Bullets((*draft.cautions, *gravest)),)),
        Section("appendix", "Appendix", (Paragraph(SHORT),) * (not full)),
        *(Section("figures", "More figures", rest),) * bool(rest),
        *draft.appendix,
        section(doubts.finding(draft.scenarios, draft.extra_doubts, gravest)),
        *map(section, went_in),
        *(described for described, _ in model),
        making.reproduce(draft.commands, found.manifest, draft.same, full),
        making.cited(found.manifest, draft.scenarios, draft.shown, full),
    )
    name = str(found.manifest.get("name") or draft.scenarios[0].name)
    files = (*draft.attachments, *(file for _, file in model))
    return Document(draft.title, draft.subtitle, draft.facts, sections, files, name)


def _inputs(draft: Draft, full: bool) -> list[Finding]:
    """Return how the scenarios differ from the baseline, or all others from the first; all."""
    first, *others = draft.scenarios
    against = None if draft.baseline else first
    rest = [
        inputs.differences(other, against, f"differences-{place}")
        for place, other in enumerate(others, 2)
    ]
    return [inputs.differences(first), *rest, *[inputs.everything(first)] * full]


def drawn(folder: Path, kind: str) -> list[Picture]:
    """Draw the usual figures of a folder of some kind, beside it and not in it.

    The report is then the same whatever stands in ``figures/``, whichever preset it was drawn
    with, and whoever altered it.
    """
    shows = figures.catalogue(kind)
    with TemporaryDirectory(prefix="flowsim-") as name:
        files = figures.draw_all(folder, formats=("svg",), out=Path(name))
        return [
            Picture(
                path.stem,
                path.read_bytes(),
                _sentence(shows.get(path.stem, path.stem)),
                final(path.with_suffix(".txt").read_text(encoding="utf-8").strip()),
                path.with_suffix(".csv").read_text(encoding="utf-8"),
            )
            for path in files
            if path.suffix == ".svg"
        ]


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def scenario_file(scenario: Scenario, name: str = "scenario.yaml") -> Attachment:
    """Return a scenario as the file that runs it again."""
    return Attachment(name, resolved_yaml(scenario), "the scenario as it was run, complete")


def described(description: str) -> tuple[Section, ...]:
    """Return what the author of a scenario wrote about it; nothing if he wrote nothing."""
    if not description.strip():
        return ()
    return (Section("question", "In its author's words", (Paragraph(description),)),)
