"""What each kind of report says, and the order of all: two pages of findings, then an appendix.

``of_run`` and its siblings make a ``Draft``; what all reports have, and in which order it stands,
is said once, in ``arranged``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flowsim import figures
from flowsim.findings import calibration, doubts, inputs, press, published, run
from flowsim.findings import comparison as pairs
from flowsim.findings.account import Account
from flowsim.findings.finding import Finding
from flowsim.findings.language import final
from flowsim.findings.naming import facts
from flowsim.findings.words import capital, listed, plural, sampled
from flowsim.report import making
from flowsim.report.document import (
    Attachment,
    Block,
    Bullets,
    Document,
    Options,
    Paragraph,
    Picture,
    Section,
    section,
)
from flowsim.report.reception import REPLICATIONS, SAMPLE, sheets, simulated
from flowsim.results.base import Results
from flowsim.results.calibration import CalibrationResults
from flowsim.results.comparison import Comparison
from flowsim.results.run import Run
from flowsim.results.sweep import SweepResults
from flowsim.scenario import resolved_yaml
from flowsim.scenario.lambdas import VALUES

SHORT = (
    "This appendix is the short one; flowsim report --full adds every number that went in, "
    "every published figure, and every table."
)
SAME = "The tables come out the same to the byte{}: compare the SHA-256 {} their manifest.json."
ANY_WORKERS = SAME.format(", whatever the number of workers", "in")
DRAWN = (
    " The draws are those of the posterior that ships with this version; a drawn parameter that "
    "was set by hand is drawn again unless it is set again."
)


@dataclass(frozen=True)
class Draft:
    """What one kind of report says, before what all have in common is put around it.

    Attributes
    ----------
    facts : tuple of (str, str)
        What the reader must know to quote it, of this kind alone.
    lead, cautions, answers : tuple of str
        The first sentences; what must be known before one is quoted; the other sentences.
    commands, same
        How to make it again, and what must agree then.
    front : tuple of str
        Figures of the first pages, by name; the first two if empty.
    pages, appendix : sequence of Finding
        What else stands on the first pages, and in the appendix.
    sheets : sequence of Section
        Reception sheets, with their tables by the name of the file.
    shown : tuple of str
        Ids of published figures that are shown.
    doubts : tuple of str
        What these results cannot show.
    """

    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    lead: Sequence[str]
    cautions: Sequence[str]
    answers: Sequence[str]
    commands: tuple[str, ...]
    same: str
    appendix: Sequence[Finding]
    attachments: Sequence[Attachment] = ()
    front: tuple[str, ...] = ()
    pages: Sequence[Finding] = ()
    sheets: Sequence[Section] = ()
    tables: dict[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def arranged(found: Results, folder: Path, how: Options) -> tuple[Document, dict[str, str]]:
    """Return a report: findings and figures first, then the appendix; and the tables beside it."""
    draft, first, full = OF[found.kind](found, how), found.scenario, how.full
    pictures = drawn(folder, found.kind)
    front = [p for p in pictures if p.name in draft.front] or pictures[:2]
    rest = tuple(p for p in pictures if p not in front)
    answer: tuple[Block, ...] = (
        *(Paragraph(words, "lead") for words in draft.lead),
        *front[:1],
        *[Bullets(tuple(draft.answers))] * bool(draft.answers),
        *front[1:],
    )
    went_in = [inputs.linked(part) for part in _went_in(found, full)]
    cited = inputs.sections_of_the_model(went_in)
    model = [making.model(cited)] if cited else []
    gravest = doubts.in_short(first).sentences
    sections = (
        Section(
            "answer", f"What the {'simulation' if found.kind == 'run' else found.kind} says", answer
        ),
        *_sections(draft.pages),
        Section("sure", "How sure this is", (Bullets((*draft.cautions, *gravest)),)),
        Section("appendix", "Appendix", (Paragraph(SHORT),) * (not full)),
        *[Section("figures", "More figures", rest)] * bool(rest),
        *_sections(draft.appendix),
        *draft.sheets,
        section(doubts.finding(found.scenarios, draft.doubts, gravest)),
        *map(section, went_in),
        *(described for described, _ in model),
        making.reproduce(draft.commands, found.manifest, draft.same, full),
        making.cited(found.manifest, found.scenarios, draft.shown, full),
    )
    files = draft.attachments or [
        Attachment(
            found.scenario_file.format(scenario.name),
            resolved_yaml(scenario),
            "the scenario as it was run, complete",
        )
        for scenario in found.scenarios
    ]
    document = Document(
        draft.title,
        draft.subtitle,
        facts(found.manifest, first, *draft.facts),
        sections,
        (*files, *(file for _, file in model)),
        str(found.manifest.get("name") or first.name),
    )
    return document, draft.tables


def _went_in(found: Results, full: bool) -> list[Finding]:
    """Return how the scenarios differ from the baseline, or all others from the first; all."""
    first, *others = found.scenarios
    against = first if found.kind == "comparison" else None
    parts = [inputs.differences(first)]
    for place, other in enumerate(others, 2):
        parts.append(inputs.differences(other, against, f"differences-{place}"))
    return [*parts, *[inputs.everything(first)] * full]


def _sections(findings: Iterable[Finding]) -> list[Section]:
    return [section(one) for one in findings if one.sentences or one.tables]


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
                f"{capital(shows.get(path.stem, path.stem).rstrip('.'))}.",
                final(path.with_suffix(".txt").read_text(encoding="utf-8").strip()),
                path.with_suffix(".csv").read_text(encoding="utf-8"),
            )
            for path in files
            if path.suffix == ".svg"
        ]


def _described(description: str) -> Finding:
    """Return what the author of a scenario wrote about it; nothing if he wrote nothing."""
    words = (description,) if description.strip() else ()
    return Finding("question", "In its author's words", words)


def of_run(found: Run, how: Options) -> Draft:
    """Return what a run came to."""
    scenario, account = found.scenario, Account.of(found)
    n = len(account.replications)
    others = None if how.quick else simulated(scenario, n, how.announce)
    pages, tables = sheets(account, others)
    topics, totals = run.topics(account), press.totals(account)
    lead = run.lead(account, topics)
    command = "flowsim run scenario.yaml"
    if found.draws is not None:
        command += f" --posterior {len(found.draws)}"
    elif found.replications > 1:
        command += f" --replications {found.replications}"
    engine = found.manifest.get("engine", "columns")
    command += f" --engine {engine}" * (engine != "columns")
    same = (
        f"{SAME.format('', 'of')} With another version of NumPy the last digits may differ. The "
        "scenario file travels inside this report."
    )
    return Draft(
        title=scenario.title.strip() or scenario.name,
        subtitle="Report on a simulated scenario",
        facts=run.facts_of(account),
        lead=lead,
        cautions=(*run.changes(account), *run.cautions(account)),
        answers=run.headlines(topics)[len(lead) :],
        commands=(f"{command} --out again", "flowsim report again"),
        same=same + DRAWN * (found.draws is not None),
        front=(*["headline"] * bool(totals.tables), "entries", "outcomes"),
        appendix=(
            _described(scenario.description),
            run.further(topics),
            totals,
            published.of_run(found.summary, scenario, found.posterior_summary, how.full),
            *([others.under_lambdas] if others else ()),
        ),
        sheets=pages,
        tables=tables,
        shown=tuple(found.summary.get("observation", ())) if how.full else (),
    )


def of_comparison(found: Comparison, how: Options) -> Draft:
    """Return what a comparison found; the long one has reception sheets, and tables beside it."""
    pages: list[Section] = []
    files: dict[str, str] = {}
    for scenario in found.scenarios if how.full else ():
        both = (found.daily, found.outcomes)
        daily, outcomes = (t[t["scenario"].astype(str).eq(scenario.name)] for t in both)
        more, tables = sheets(Account(scenario, daily, outcomes), several=True)
        pages += more
        files |= tables
    keyed = [(pair, f"pair-{n}") for n, pair in enumerate(pairs.pairs(found), 1)]
    first = (pairs.first(pair, key) for pair, key in keyed)
    return Draft(
        title=f"{pairs.quoted(found.scenarios[1:])} beside {pairs.quoted(found.scenarios[:1])}",
        subtitle="Report on a comparison: the same men in several simulated scenarios",
        facts=(
            ("Scenarios", listed(found.names)),
            ("Replications", f"{found.replications}, the same men in each scenario"),
        ),
        lead=[pairs.headline(pair) for pair, _ in keyed],
        cautions=(pairs.caution(found),),
        answers=(),
        commands=(*making.wrapped(_again(found)), "flowsim report again"),
        same=f"{ANY_WORKERS} The scenario files travel inside this report.",
        front=("switches",),
        pages=[replace(one, sentences=one.sentences[1:]) for one in first],  # the lead has that
        appendix=(
            *(part for pair, key in keyed for part in pairs.more(pair, key)),
            pairs.coinciding(found.shapley),
            _under_lambdas(found, how),
        ),
        sheets=pages,
        tables=files,
    )


def _again(found: Comparison) -> str:
    """Return the command that makes a comparison again."""
    from flowsim.comparison.coincidence import coinciding

    files = " ".join(found.scenario_file.format(name) for name in found.names)
    command = (
        f"flowsim compare {files} --replications {found.replications} "
        f"--sample {found.manifest['sample']:g} --posterior {found.manifest.get('draws', 0)}"
    )
    if found.manifest.get("lambdas"):
        command += f" --lambda {','.join(f'{value:g}' for value in found.manifest['lambdas'])}"
    asked = bool(found.manifest.get("coinciding"))
    if asked != bool(coinciding(found.scenarios)):
        command += " --shapley" if asked else " --no-shapley"
    return f"{command}{' --no-terms' * found.terms.empty} --out again"


def _under_lambdas(found: Comparison, how: Options) -> Finding:
    """Return the comparison under other lambdas, simulated now if it was not then."""
    from flowsim.comparison import compare

    if how.quick or not found.lambdas.empty:
        return pairs.under_lambdas(found)
    n, sample = min(REPLICATIONS, found.replications), min(SAMPLE, found.manifest["sample"])
    how.announce(f"comparing under other values of lambda, with {sampled(sample)}")
    other = compare(
        found.scenarios,
        replications=n,
        sample=sample,
        workers=1,
        terms=False,
        shapley=False,
        by_lambda=VALUES,
    )
    again = found.with_tables(**{"lambda": other.lambdas})
    return pairs.under_lambdas(again, f"{sampled(sample)}, {plural(n, 'replication')}")


def of_sweep(found: SweepResults, how: Options) -> Draft:
    """Return what a sweep found."""
    from flowsim.findings import sweep as words
    from flowsim.sweep.file import sweep_of

    sweep, manifest, n = sweep_of(found), found.manifest, found.replications
    update = {"sample": sweep.sample} | ({} if sweep.seed is None else {"seed": sweep.seed})
    as_run = found.scenario.model_copy(update=update)
    others = None if how.quick else simulated(as_run, n, how.announce)
    return Draft(
        title=sweep.title or sweep.name,
        subtitle="Report on a sweep: a simulated scenario at many points",
        facts=(
            ("Scenarios", listed(found.names)),
            ("Design", f"{manifest['design']}, {plural(int(manifest['points']), 'point')}"),
            ("Runs", f"{manifest['runs']:,}, {plural(n, 'replication')} a point"),
        ),
        lead=(),
        cautions=(words.caution(found),),
        answers=tuple(words.ranges(found)),
        commands=("flowsim sweep sweep.yaml --out again",),
        same=SAME.format(", whatever the number of workers or machines", "in")
        + " The sweep file travels inside this report.",
        attachments=[Attachment(*file, "what was swept") for file in sweep.files().items()],
        appendix=(
            _described(sweep.description),
            words.design(found),
            *([words.sensitivity(found)] if how.full else ()),
            *([others.under_lambdas] if others else ()),
        ),
        doubts=words.doubts(found),
    )


def of_calibration(found: CalibrationResults, how: Options) -> Draft:
    """Return what a calibration found: what was fitted, how well, what the figures leave open."""
    scenario, manifest = found.scenario, found.manifest
    others = None if how.quick else simulated(scenario, REPLICATIONS, how.announce)
    lead, *answers = calibration.sentences(found)
    whole = manifest.get("whole_runs", 0)
    runs = (
        f"{manifest['design_runs']:,} to fit"
        + f", {whole:,} more and the predictions with all men" * bool(whole)
        + f", {manifest['prediction_runs']:,} to predict"
    )
    budget = manifest.get("budget", "full")
    return Draft(
        title=str(manifest.get("title") or manifest["name"]),
        subtitle="Report on a calibration: a simulated scenario fitted to published figures",
        facts=(
            ("Calibration", str(manifest["name"])),
            ("Scenario", scenario.name),
            ("Runs", runs),
        ),
        lead=(lead,),
        cautions=(calibration.CAUTION,),
        answers=answers,
        commands=(f"flowsim calibrate calibration.yaml --budget {budget} --out again",),
        same=ANY_WORKERS,
        appendix=(
            calibration.parameters(found),
            calibration.predicted(found),
            *([others.under_lambdas] if others else ()),
        ),
        shown=tuple(str(name) for name in found.table("predictions")["id"]),
        doubts=calibration.unidentified(found),
    )


OF: dict[str, Callable[[Any, Options], Draft]] = {
    "run": of_run,
    "comparison": of_comparison,
    "sweep": of_sweep,
    "calibration": of_calibration,
}
