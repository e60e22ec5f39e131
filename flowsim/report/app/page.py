"""The app's page: fields left, what came out right; one of these objects for each visitor.

Panel belongs to this file alone. What takes long is done by ``work.Worker`` in a thread, which
hands back to the page's own thread.
"""

from __future__ import annotations

import html
import io
import re
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn

from flowsim import figures
from flowsim.errors import FlowsimError, ScenarioError
from flowsim.findings import summary
from flowsim.findings.words import capital
from flowsim.report.app import inputs, work
from flowsim.report.app.hours import Hours
from flowsim.results.comparison import Comparison
from flowsim.results.run import Run
from flowsim.scenario import Base, shipped
from flowsim.scenario.schema import Scenario

SAMPLES = {"1 man in 1,000": 0.001, "1 man in 200": 0.005, "1 man in 100": 0.01, "1 in 10": 0.1}
FIGURES = {"Entries": "entries", "Queues": "queues", "Outcomes": "outcomes", "Map": "map"}
ANSWER, WORLDS, HOURS = "Answer", "Two worlds", "Hour by hour"
TABS = (ANSWER, *FIGURES, WORLDS, HOURS)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
NOTHING = "Nothing was simulated yet: press Simulate."
TITLES = {"ordinary_stay": "ordinary travellers", "news": "news of the border"}


@dataclass(frozen=True)
class World:
    """A run, and in which scenario what was changed for it."""

    run: Run
    scenario: str
    changes: Mapping[str, Any]

    @property
    def words(self) -> str:
        """Write what differs from the scenario."""
        each = [
            f"without {key.removeprefix('policies.')}" if value is None else f"{key} = {value}"
            for key, value in self.changes.items()
        ]
        return f"{self.scenario}: {'; '.join(each) or 'as it stands'}"


class Page:
    """Everything that one visitor sees and has done.

    Parameters
    ----------
    source : str
        The scenario to begin with: a file, or a shipped name.
    """

    def __init__(self, source: str) -> None:
        self.now: World | None = None
        self.kept: World | None = None
        self.hours: Hours | None = None
        self.worker = work.Worker(self._progress, partial(self._later, self._finished))
        self._document = pn.state.curdoc
        self._make_widgets()
        self._open(source, source)

    # -- what is on the page

    def _make_widgets(self) -> None:
        self.scenario = pn.widgets.Select(name="Scenario", options=sorted(shipped()))
        self.file = pn.widgets.FileInput(accept=".yaml,.yml", multiple=False)
        self.sample = pn.widgets.Select(name="Sample", options=SAMPLES, value=0.01)
        self.simulate = pn.widgets.Button(name="Simulate", button_type="primary")
        self.cancel = pn.widgets.Button(name="Cancel", disabled=True)
        self.keep = pn.widgets.Button(name="Keep this world", disabled=True)
        self.compare = pn.widgets.Button(name="Compare man for man", disabled=True)
        self.bar = pn.indicators.Progress(value=0, max=100, height=10)
        self.said = pn.pane.HTML("", min_height=24)
        self.name = pn.widgets.TextInput(name="Save as a file named", value="my-scenario")
        self.save = pn.widgets.FileDownload(
            callback=self._file, filename="my-scenario.yaml", label="Save as scenario file"
        )
        self.fields = pn.Accordion(sizing_mode="stretch_width")
        self.answer = pn.pane.HTML(_paragraph(NOTHING))
        self.drawn = {name: pn.pane.HTML(_paragraph(NOTHING)) for name in FIGURES}
        self.worlds = pn.Column(pn.pane.HTML(_paragraph("Keep a world, change it, and compare.")))
        self.player = pn.widgets.Player(name="Hour", start=0, end=1, interval=120, step=1)
        self.ground = pn.pane.HTML("")
        self.queues = pn.pane.HTML("", styles={"position": "absolute", "inset": "0"})
        self.moment = pn.pane.HTML(_paragraph(NOTHING))
        layers = pn.Column(self.ground, self.queues, styles={"position": "relative"})
        self.tabs = pn.Tabs(
            (ANSWER, self.answer),
            *self.drawn.items(),
            (WORLDS, self.worlds),
            (HOURS, pn.Column(self.player, layers, self.moment)),
            dynamic=True,
            active=1,
        )
        self._connect()

    def _connect(self) -> None:
        self.scenario.param.watch(self._chosen, "value")
        self.file.param.watch(self._uploaded, "value")
        self.name.param.watch(self._named, "value")
        self.simulate.on_click(lambda _: self._simulate())
        self.cancel.on_click(lambda _: self.worker.cancel())
        self.keep.on_click(lambda _: self._keep())
        self.compare.on_click(lambda _: self._compare())
        self.fields.param.watch(lambda _: self._fill(), "active")
        self.tabs.param.watch(lambda _: self._draw(), "active")
        self.player.param.watch(lambda _: self._draw_hour(), "value")

    def view(self) -> Any:
        """Return all of it, laid out."""
        left = pn.Column(
            self.scenario,
            pn.pane.HTML("<label>Open a scenario file</label>"),
            self.file,
            self.sample,
            pn.Row(self.simulate, self.cancel),
            self.bar,
            self.said,
            pn.Row(self.keep, self.compare),
            pn.Row(self.name, pn.Column(pn.Spacer(height=18), self.save)),
            self.fields,
            width=380,
        )
        return pn.Row(left, pn.Column(self.tabs, sizing_mode="stretch_width"))

    # -- the scenario and its fields

    def _open(self, source: str | Path, extends: str) -> None:
        """Begin anew with a scenario; what is wrong with it is shown and changes nothing."""
        try:
            base = Base.read(source)
            scenario = base.scenario
        except ScenarioError as error:
            self._say(str(error), alarm=True)
            return
        self.base, self.extends = base, extends
        self.entries = inputs.entries(scenario)
        self.values: dict[str, Any] = {}
        self.without: set[str] = set()
        if extends in self.scenario.options:
            self.scenario.value = extends
        blocks = dict.fromkeys(entry.block for entry in self.entries)
        self.blocks = sorted(blocks, key=lambda block: not block.startswith(inputs.POLICIES))
        self.fields[:] = [(self._title(block, scenario), pn.Column()) for block in self.blocks]
        self._say(f"Opened {scenario.title or scenario.name}.")

    def _chosen(self, event: Any) -> None:
        if event.new != self.extends:
            self._open(event.new, event.new)

    def _title(self, block: str, scenario: Scenario) -> str:
        first, _, policy = block.partition(".")
        if not policy:
            return capital(TITLES.get(first, first.replace("_", " ")))
        return f"Policy: {scenario.policies[policy].label} ({policy.replace('_', ' ')})"

    def _fill(self) -> None:
        """Make the fields of the blocks that were opened; most are never looked at."""
        for place in self.fields.active:
            column, block = self.fields[place], self.blocks[place]
            if len(column) == 0:
                own = [self._field(entry) for entry in self.entries if entry.block == block]
                policy = block.partition(".")[2]
                column[:] = ([self._holds(policy)] if policy else []) + own

    def _field(self, entry: inputs.Entry) -> Any:
        value = self.values.get(entry.key, entry.value)
        if isinstance(entry.value, str):
            field = pn.widgets.TextInput(name=entry.label, value=value, description=entry.about)
        else:
            name = f"{entry.label}, {entry.unit}" if entry.unit else entry.label
            ends = {"start": entry.low, "end": entry.high}
            step = 0.01 if (entry.high or 99) <= 1 else 0.1 if abs(entry.value) < 20 else 1.0
            field = pn.widgets.FloatInput(
                name=name, value=value, step=step, description=entry.about, **ends
            )
        field.param.watch(lambda event: self.values.update({entry.key: event.new}), "value")
        return field

    def _holds(self, policy: str) -> Any:
        box = pn.widgets.Checkbox(name="This policy holds", value=policy not in self.without)

        def turned(event: Any) -> None:
            self.without = self.without - {policy} if event.new else self.without | {policy}

        box.param.watch(turned, "value")
        return box

    def _changed(self) -> dict[str, Any]:
        return inputs.changes(self.entries, self.values, self.without)

    def _wanted(self) -> Scenario | None:
        """Return the scenario as filled in; None, and the mistakes are shown, if it is unsound."""
        try:
            return self.base.variant(self._changed())
        except ScenarioError as error:
            self._say(str(error), alarm=True)
            return None

    def _uploaded(self, event: Any) -> None:
        """Open a file that was chosen: what it extends must be a shipped scenario."""
        if not event.new:
            return
        name = Path(self.file.filename or "scenario.yaml").name
        with tempfile.TemporaryDirectory(prefix="flowsim-") as folder:
            path = Path(folder, name)
            path.write_bytes(event.new)
            self._open(path, name)

    def _named(self, event: Any) -> None:
        sound = NAME.fullmatch(event.new)
        self.save.filename, self.save.disabled = f"{event.new}.yaml", not sound
        if not sound:
            self._say("A name has letters, digits, hyphens, dots and low lines.", alarm=True)

    def _file(self) -> io.StringIO:
        title = f"{self.base.scenario.title or self.base.name}, changed"
        return io.StringIO(inputs.as_file(self.name.value, title, self.extends, self._changed()))

    # -- work

    def _simulate(self) -> None:
        scenario = self._wanted()
        if scenario is not None:
            about = (self.extends, self._changed())
            self._start(work.simulation(scenario, self.sample.value), lambda r: World(r, *about))

    def _keep(self) -> None:
        self.kept = self.now
        self.compare.disabled = False
        self._say("Kept. Change something, simulate, and compare.")

    def _compare(self) -> None:
        if self.kept is not None and self.now is not None:
            one, other = self.kept.run.scenario, self.now.run.scenario
            self._start(work.man_for_man(one, other, other.sample))

    def _start(self, job: work.Job, name: Callable[[Any], Any] = lambda result: result) -> None:
        if self.worker.start(lambda progress: name(job(progress))):
            self.cancel.disabled = False
            self._say("At work ...")
        else:
            self._say("Still at work; cancel it first.", alarm=True)

    def _later(self, do: Callable[..., None], *given: Any) -> None:
        """Do something in the page's own thread."""
        self._document.add_next_tick_callback(partial(do, *given))

    def _progress(self, done: int, total: int, words: str) -> None:
        self._later(self._show_progress, round(100 * done / max(1, total)), words)

    def _show_progress(self, percent: int, words: str) -> None:
        self.bar.value = percent
        if words:
            self._say(f"{capital(words)} ...")

    def _finished(self, result: Any) -> None:
        self.cancel.disabled, self.bar.value = True, 0
        if isinstance(result, World):
            self._show_run(result)
        elif isinstance(result, Comparison):
            self._show_worlds(result)
        elif isinstance(result, work.CancelledError):
            self._say("Cancelled; what was shown before stays.")
        else:
            known = isinstance(result, FlowsimError)
            self._say(str(result) if known else f"A mistake in flowsim: {result!r}", alarm=True)

    # -- what came out

    def _show_run(self, found: World) -> None:
        self.now, self.hours = found, Hours(found.run)
        self.keep.disabled = False
        self.player.param.update(end=len(self.hours.queues) - 1, value=self.hours.fullest)
        for pane in (self.answer, *self.drawn.values()):
            pane.object = ""
        self.ground.object = self.hours.ground
        self._draw()
        self._say("Done.")

    def _draw(self) -> None:
        """Draw what the open tab shows, if it is not drawn."""
        title = TABS[self.tabs.active]
        pane = self.drawn.get(title)
        if self.now is not None and pane is not None and not pane.object:
            pane.object = _picture(self.now.run, FIGURES[title])
        if self.now is not None and title == ANSWER and not self.answer.object:
            self.answer.object = _text(summary(self.now.run))
        if title == HOURS:
            self._draw_hour()

    def _draw_hour(self) -> None:
        if self.hours is None:
            return
        hour = min(self.player.value, len(self.hours.queues) - 1)
        self.queues.object = self.hours.layer(hour)
        self.moment.object = _paragraph(self.hours.words(hour))

    def _show_worlds(self, found: Comparison) -> None:
        """Show two worlds side by side, and what became of the same men in both."""
        worlds = [
            pn.Column(
                pn.pane.HTML(f"<h3>{title}</h3>{_paragraph(world.words)}"),
                pn.pane.HTML(_picture(world.run, "entries")),
            )
            for title, world in zip(work.WORLDS.values(), (self.kept, self.now), strict=True)
            if world is not None
        ]
        self.worlds[:] = [pn.Row(*worlds), pn.pane.HTML(_text(summary(found)))]
        self.tabs.active = TABS.index(WORLDS)
        self._say("Done.")

    def _say(self, text: str, alarm: bool = False) -> None:
        role, colour = ("alert", "#a00000") if alarm else ("status", "inherit")
        said = html.escape(text).replace("\n", "<br>")
        self.said.object = f"<p role='{role}' style='margin: 0; color: {colour}'>{said}</p>"


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _text(words: str) -> str:
    """Return what a terminal shows, its columns aligned."""
    return f"<pre style='white-space: pre-wrap'>{html.escape(words)}</pre>"


def _picture(run: Run, name: str) -> str:
    """Return a figure as an image that holds itself, with its alt text."""
    image, alt = figures.picture(run, name)
    if not image:
        return _paragraph("There is nothing to draw.")
    data = b64encode(image).decode()
    return (
        f'<img style="width: 100%" alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">'
    )


def serve(source: str, host: str, port: int, show: bool) -> None:
    """Serve the page until Ctrl-C."""
    pn.extension(sizing_mode="stretch_width")
    pn.serve(
        {"/": lambda: Page(source).view()},
        address=host,
        port=port,
        show=show,
        title="flowsim",
        websocket_origin=[f"{host}:{port}", f"localhost:{port}"],
        verbose=False,
    )
