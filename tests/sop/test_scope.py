"""Whom a pipeline is for."""

from __future__ import annotations

import pytest

from sop.pipeline import Pipeline
from sop.scope import Owner, is_for, is_for_agent


def _limited(**limits: object) -> Pipeline:
    return Pipeline.model_validate({"name": "转化", "stages": [{"name": "新线索"}], **limits})


@pytest.mark.parametrize(
    ("limits", "owners", "channels", "expected"),
    [
        pytest.param({}, [Owner("Lin")], [None], True, id="for all"),
        pytest.param({}, [], [], False, id="nobody has them"),
        pytest.param({"agents": ["lin"]}, [Owner("Lin")], [], True, id="named, in either case"),
        pytest.param({"agents": ["Chen"]}, [Owner("Lin")], [], False, id="not named"),
        pytest.param({"agents": ["Chen"]}, [Owner("Lin"), Owner("Chen")], [], True, id="one of their agents is"),
        pytest.param({"departments": [2, 3]}, [Owner("Lin", (3,))], [], True, id="department"),
        pytest.param({"departments": [2]}, [Owner("Lin", (3,))], [], False, id="another department"),
        pytest.param({"departments": [2]}, [Owner("Lin")], [], False, id="department not known"),
        pytest.param({"agents": ["Lin"], "departments": [9]}, [Owner("Lin")], [], True, id="either is enough"),
        pytest.param({"channels": ["store_1"]}, [Owner("Lin")], [None, "store_1"], True, id="channel"),
        pytest.param({"channels": ["store_1"]}, [Owner("Lin")], ["store_12"], False, id="not quite the channel"),
        pytest.param({"channels": ["store_*"]}, [Owner("Lin")], ["store_12"], True, id="channels that begin so"),
        pytest.param({"channels": ["store_*"]}, [Owner("Lin")], [None], False, id="no channel"),
        pytest.param({"channels": ["s"], "agents": ["Lin"]}, [Owner("Lin")], ["x"], False, id="both must hold"),
    ],
)
def test_whom_a_pipeline_is_for(
    limits: dict[str, object], owners: list[Owner], channels: list[str | None], expected: bool
) -> None:
    assert is_for(_limited(**limits), owners, channels) is expected


def test_only_its_agents_phones_carry_its_tags() -> None:
    pipeline = _limited(agents=["Lin"], channels=["store_1"])
    assert is_for_agent(pipeline, Owner("LIN"))
    assert not is_for_agent(pipeline, Owner("Chen", (1,)))
