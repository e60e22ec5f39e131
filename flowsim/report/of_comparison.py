"""The report of a comparison: the same men in several scenarios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from flowsim import comparison
from flowsim.comparison import Comparison
from flowsim.comparison.lambdas import VALUES
from flowsim.findings import coinciding, paired
from flowsim.findings.account import Account
from flowsim.findings.words import elided, listed, period
from flowsim.report import doubts, drawings, inputs, lambdas, making, reception
from flowsim.report.document import Attachment, Block, Document, Paragraph, Section, Table
from flowsim.report.variants import REPLICATIONS, SAMPLE
from flowsim.scenario import resolved_yaml
from flowsim.scenario.schema import Scenario

SAME = (
    "The tables come out the same to the byte, whatever the number of workers: compare the "
    "SHA-256 below with those in the manifest.json of the new folder. The scenario files travel "
    "inside this report."
)


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a comparison found; give the tables of its reception sheets beside it."""
    found = comparison.open_comparison(folder)
    accounts = [_account(found, scenario) for scenario in found.scenarios]
    figures = drawings.section(folder, "comparison")
    sheets, tables = _sheets(accounts)
    pairs = paired.pairs(found)
    parts = [part for n, pair in enumerate(pairs, 1) for part in paired.section(pair, n)]
    explained = coinciding.section(found.shapley)
    sections = [
        _answer(found, pairs),
        *parts,
        figures,
        *([explained] if explained else []),
        *_lambdas(found, quick, tell),
        doubts.section(found.scenarios, tuple(coinciding.sentences(found.shapley))),
        *sheets,
        *_inputs(found),
        making.reproduce(_commands(found), found.manifest, SAME),
        making.cited(found.manifest, found.scenarios),
    ]
    document = Document(
        title=f"{_others(found)} beside {_quoted(found.scenarios[0])}",
        subtitle="Report on a comparison: the same men in several simulated scenarios",
        facts=_facts(found),
        sections=tuple(sections),
        attachments=tuple(
            Attachment(f"scenario-{s.name}.yaml", resolved_yaml(s), "a scenario as it was run")
            for s in found.scenarios
        ),
    )
    return document, tables


def _account(found: Comparison, scenario: Scenario) -> Account:
    def own(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["scenario"].astype(str).eq(scenario.name)]

    return Account(scenario, own(found.daily), own(found.outcomes))


def _others(found: Comparison) -> str:
    return listed([_quoted(scenario) for scenario in found.scenarios[1:]])


def _quoted(scenario: Scenario) -> str:
    return f"“{elided(scenario.title or scenario.name, 80)}”"


def _answer(found: Comparison, pairs: list[paired.Pair]) -> Section:
    blocks: list[Block] = [Paragraph(paired.headline(pair), "lead") for pair in pairs]
    blocks.append(
        Paragraph(
            "Simulated, not counted. The numbers come from a model of a published episode; they "
            f"hold for its assumptions. {paired.what_ranges_are(found.replications)}",
            "caution",
        )
    )
    return Section("answer", "What the comparison says", tuple(blocks))


def _sheets(accounts: list[Account]) -> tuple[list[Section], dict[str, str]]:
    sections: list[Section] = []
    tables: dict[str, str] = {}
    for account in accounts:
        found, files = reception.sheets(account, of=account.scenario.name)
        sections += found
        tables |= files
    return sections, tables


# ------------------------------------------------------------------ lambda


def _lambdas(found: Comparison, quick: bool, tell: Callable[[str], None]) -> list[Section]:
    table, about = found.lambdas, "the men and replications of this comparison"
    if table.empty:
        if quick:
            return []
        n, sample = min(REPLICATIONS, found.replications), min(SAMPLE, found.manifest["sample"])
        tell(f"comparing under other values of lambda, with {100 * sample:g} % of the men")
        other = comparison.compare(
            found.scenarios,
            replications=n,
            sample=sample,
            workers=1,
            terms=False,
            shapley=False,
            by_lambda=VALUES,
        )
        table, about = other.lambdas, f"{100 * sample:g} % of the men, {n} replications"
    tables = [_lambda_table(table, pair, about) for pair in paired.pairs(found)]
    blocks: list[Block] = [Paragraph(lambdas.ABOUT), *tables]
    return [Section("lambda", lambdas.TITLE, tuple(blocks))]


def _lambda_table(table: pd.DataFrame, pair: paired.Pair, about: str) -> Table:
    values = sorted(table["lambda"].unique())
    own = pair.rows(table)
    rows = []
    for words, measure, place in paired.measures(pair.a):
        here = own[own["measure"].eq(measure) & own["place_id"].eq(place)].set_index("lambda")
        if measure != "stock_persons" and len(here) == len(values) and here["difference"].any():
            rows.append((words, *(_difference(here.loc[value]) for value in values)))
    return Table(
        f"Differences from {pair.a.name} to {pair.b.name}, by lambda ({about})",
        ("Men", *(f"Lambda {value:g}" for value in values)),
        tuple(rows),
        numeric=(False, *[True] * len(values)),
        widths=(1.8, *[1.6] * len(values)),
    )


def _difference(row: pd.Series) -> str:
    text = paired.signed(float(row["difference"]))
    if pd.isna(row["low"]) or row["low"] == row["high"]:
        return text
    return f"{text} ({paired.signed(float(row['low']))} to {paired.signed(float(row['high']))})"


# ------------------------------------------------------------------ what went in


def _inputs(found: Comparison) -> list[Section]:
    first, *others = found.scenarios
    sections = [inputs.differences(first)]
    sections += [
        inputs.differences(other, first, key=f"differences-{place}")
        for place, other in enumerate(others, 2)
    ]
    return [*sections, inputs.everything(first)]


def _facts(found: Comparison) -> tuple[tuple[str, str], ...]:
    first = found.scenarios[0]
    sample = "all men" if first.sample == 1 else f"{100 * first.sample:.3g} % of the men"
    last = first.horizon.end - pd.Timedelta(days=1)
    return (
        ("Scenarios", listed(found.names)),
        ("Period", period(first.horizon.start.date(), last.date())),
        ("Sample", sample),
        ("Replications", f"{found.replications}, the same men in each scenario"),
        ("Seed", str(first.seed)),
        ("Made with", f"flowsim {found.manifest['versions']['flowsim']}"),
    )


def _commands(found: Comparison) -> tuple[str, ...]:
    files = " ".join(f"scenario-{name}.yaml" for name in found.names)
    command = (
        f"flowsim compare {files} --replications {found.replications} "
        f"--sample {found.manifest['sample']:g}"
    )
    if found.manifest.get("lambdas"):
        command += f" --lambda {','.join(f'{value:g}' for value in found.manifest['lambdas'])}"
    command += "" if found.manifest.get("coinciding") else " --no-shapley"
    command += " --no-terms" if found.terms.empty else ""
    return (
        *making.wrapped(f"{command} --out again"),
        "flowsim report again",
    )
