"""The difference between two configurations as steps."""

import msgspec

from headwater.pipelines.declaration import (
    Declaration,
    DeclaredContent,
    DeclaredIntegration,
    DeclaredPipeline,
    DeclaredUse,
)
from headwater.pipelines.plan import plan

OLD = DeclaredContent(kit="hook", texts={"playbook.yaml": "1"}, parameters={"URL": "a"})
NEW = DeclaredContent(kit="hook", texts={"playbook.yaml": "2"}, parameters={"URL": "b", "X": "c"})
HOOK = DeclaredIntegration("hook", "Hook", OLD)
WEB = DeclaredPipeline("web", "Web", write_keys=("k1",), integrations=(DeclaredUse("hook"),))
BOTH = Declaration({"web": WEB}, {"hook": HOOK})


def steps(desired: Declaration, present: Declaration, *, prune: bool = False) -> list[str]:
    """The steps as people read them."""
    return [str(step) for step in plan(desired, present, prune=prune).steps]


def changed(pipeline: DeclaredPipeline = WEB, integration: DeclaredIntegration = HOOK) -> Declaration:
    """BOTH with one object replaced."""
    return Declaration({"web": pipeline}, {"hook": integration})


def test_nothing_to_do_is_no_step():
    """Two equal configurations have no difference."""
    assert plan(BOTH, BOTH, prune=True) == ((), ())


def test_everything_is_created_in_an_order_that_works():
    """Integrations exist before they are attached."""
    assert steps(BOTH, Declaration()) == [
        "create integration hook",
        "save revision of hook: kit hook",
        "create pipeline web",
        "add write key k1 to pipeline web",
        "attach hook to pipeline web",
    ]


def test_a_changed_content_is_saved_and_deployed():
    """The steps say which files and parameters differ."""
    assert steps(changed(integration=msgspec.structs.replace(HOOK, content=NEW)), BOTH) == [
        "save revision of hook: file playbook.yaml, parameter URL: a → b, parameter X: unset → c",
        "deploy the newest revision of hook on pipeline web",
    ]


def test_a_pipeline_may_stay_at_an_older_content():
    """The new content is saved and nothing is deployed, because the pipeline is held at what it has."""
    integration = msgspec.structs.replace(HOOK, content=NEW, held={OLD.digest: OLD})
    pipeline = msgspec.structs.replace(WEB, integrations=(DeclaredUse("hook", held=OLD.digest),))
    assert steps(changed(pipeline, integration), BOTH) == [
        "save revision of hook: file playbook.yaml, parameter URL: a → b, parameter X: unset → c"
    ]


def test_an_older_content_is_saved_before_the_newest():
    """On an install that has neither, the newest must end up newest."""
    integration = msgspec.structs.replace(HOOK, content=NEW, held={OLD.digest: OLD})
    pipeline = msgspec.structs.replace(WEB, integrations=(DeclaredUse("hook", held=OLD.digest),))
    contents = [
        step.content for step in plan(changed(pipeline, integration), Declaration()).steps if hasattr(step, "content")
    ]
    assert contents == [OLD, NEW]


def test_properties_and_states_change_alone():
    """A renamed pipeline, a paused attachment and a renamed integration are one step each."""
    paused = msgspec.structs.replace(WEB, name="Shop", integrations=(DeclaredUse("hook", enabled=False),))
    renamed = msgspec.structs.replace(HOOK, name="Other")
    assert steps(changed(paused, renamed), BOTH) == [
        "rename integration hook: Hook → Other",
        "update pipeline web: name: Web → Shop",
        "pause hook on pipeline web",
    ]


def test_removals_wait_to_be_asked_for():
    """Without prune they are told and left; with prune they are steps."""
    bare = Declaration({"web": DeclaredPipeline("web", "Web")}, {})
    left = plan(bare, BOTH)
    assert left.steps == ()
    expected = ["remove write key k1 from pipeline web", "detach hook from pipeline web", "delete integration hook"]
    assert [str(step) for step in left.left] == expected
    assert steps(bare, BOTH, prune=True) == expected
    assert steps(Declaration(), BOTH, prune=True) == ["delete pipeline web", "delete integration hook"]


def test_a_write_key_can_move_to_another_pipeline():
    """It is taken from the one before it is given to the other."""
    two = Declaration({"a": DeclaredPipeline("a", "A"), "b": DeclaredPipeline("b", "B", write_keys=("k",))}, {})
    moved = Declaration({"a": DeclaredPipeline("a", "A", write_keys=("k",)), "b": DeclaredPipeline("b", "B")}, {})
    assert steps(moved, two, prune=True) == ["remove write key k from pipeline b", "add write key k to pipeline a"]
