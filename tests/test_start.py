import subprocess
import sys
from textwrap import dedent

import mesa


def test_what_takes_long_to_import_is_imported_by_those_who_use_it():
    """In turn: reports and figures, a simulation, Mesa's own tools."""
    code = """
        import sys
        from flowsim import figures
        from flowsim.report import arranging
        [family.functions() for family in figures.families().values()]
        print(*{"mesa", "scipy.stats", "scipy.optimize", "flowsim.calibration"} & set(sys.modules))
        import flowsim.model.flow_model
        print(*{"networkx", "scipy.spatial"} & set(sys.modules))
        import mesa, numpy
        print(mesa.space.nx.Graph.__name__, numpy.f2py.get_include.__name__)
        print(mesa.experimental.continuous_space.ContinuousSpace.__name__)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )
    to_write_up, to_simulate, *asked_for = done.stdout.splitlines()
    assert to_write_up == ""
    assert to_simulate == "" or mesa.__version__ >= "3.5"  # which uses them itself
    assert asked_for == ["Graph get_include", "ContinuousSpace"]
