"""Which links hold: a pure function of the set of links."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_evidence import pair

from headwater.profiles.conflicts import conflicts_of, consequence, pairs_that_separate
from headwater.profiles.decisions import Decision, Decisions
from headwater.profiles.degree_alarm import is_alarmed, most_at_once
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules, TypeRule
from headwater.profiles.links import Link, merge_links, pair_of, united_links
from headwater.profiles.profile_changes import ProfileChange, profile_changes
from headwater.profiles.resolution import Part, resolve, resolve_fully
from headwater.profiles.sightings import Sighting

DAY = 86_400_000
RULES = IdentityRules(
    {
        "user": TypeRule(1, unique=True),
        "loyalty": TypeRule(2, unique=True),
        "email": TypeRule(3, limit=2, window_days=10, alarm=3),
        "phone": TypeRule(4, limit=3, shared="newest"),
        "cookie": TypeRule(6, limit=3, window_days=10, alarm=4, shared="nobody"),
    },
    version="r1",
    profile_limit=8,
    degree_limit=50,
)


def identifier(text):
    """`user:1` as an identifier."""
    return Identifier(*text.split(":"))


def link(left, right, at=0, last=None, stated=False):
    return Link(
        pair_of(identifier(left), identifier(right)), Sighting(at, at if last is None else last, 1, f"m{at}"), stated
    )


def seen_in(links, *alone):
    """When each identifier was first seen, if these links are all there is."""
    seen = {identifier(text): Sighting(0, 0, 1, "m0") for text in alone}
    for each in links:
        for end in each.pair:
            first = min(each.seen.first, seen[end].first if end in seen else each.seen.first)
            seen[end] = Sighting(first, each.seen.last, 1, f"m{first}")
    return seen


def resolution_of(*links, decisions=(), rules=RULES, alone=()):
    return resolve(seen_in(links, *alone), links, rules, Decisions.of(decisions))


def groups(resolution):
    """The parts as sets of texts."""
    return {frozenset(f"{each.type}:{each.value}" for each in part.members) for part in resolution.parts}


def together(*texts):
    return frozenset(texts)


def rules_of(resolution):
    return {
        f"{one.type}:{one.value} {two.type}:{two.value}": each.rule
        for each in resolution.refused
        for one, two in [each.pair]
    }


def allow(left, right, at=1):
    return Decision("allowed", identifier(left), identifier(right), "ann", at)


def keep_apart(left, right, at=1):
    return Decision("kept apart", identifier(left), identifier(right), "ann", at)


# The rules one by one


def test_a_login_joins_the_history_before_it():
    """Anonymous to known: cookie and user seen together are one profile."""
    resolution = resolution_of(link("cookie:a", "user:1", 5), link("email:e", "user:1", 6))
    assert groups(resolution) == {together("cookie:a", "user:1", "email:e")}
    assert resolution.refused == ()


def test_a_device_of_two_people_belongs_to_nobody():
    """Logged-in events go to their users; the device keeps its anonymous history for itself."""
    resolution = resolution_of(link("cookie:a", "user:1", 1), link("cookie:a", "user:2", 9))
    assert groups(resolution) == {together("cookie:a"), together("user:1"), together("user:2")}
    assert rules_of(resolution) == {"cookie:a user:1": "ambiguous", "cookie:a user:2": "ambiguous"}
    assert resolution.nobodys == {identifier("cookie:a")}


def test_an_ambiguous_device_joins_nobody_else_either():
    """A guest's address typed on a kiosk must not join the next guest's."""
    resolution = resolution_of(
        link("cookie:k", "user:1"), link("cookie:k", "user:2"), link("cookie:k", "email:e"), link("cookie:k", "email:f")
    )
    assert all(len(group) == 1 for group in groups(resolution))


def test_the_rest_of_a_person_stays_whole_when_a_device_is_ambiguous():
    """Only the shared device leaves."""
    resolution = resolution_of(
        link("cookie:a", "user:1"), link("cookie:a", "user:2"), link("cookie:b", "user:1"), link("email:e", "user:1")
    )
    assert together("user:1", "cookie:b", "email:e") in groups(resolution)


def test_an_address_of_two_people_stays_with_the_first():
    """Somebody who mistypes an address does not take it from its owner."""
    resolution = resolution_of(link("email:e", "user:2", 9), link("email:e", "user:1", 3))
    assert groups(resolution) == {together("email:e", "user:1"), together("user:2")}
    assert rules_of(resolution) == {"email:e user:2": "taken"}


def test_a_type_may_follow_its_newest_owner():
    """A recycled phone number goes to who has it now."""
    resolution = resolution_of(link("phone:p", "user:1", 3), link("phone:p", "user:2", 9))
    assert together("phone:p", "user:2") in groups(resolution)


def test_a_device_between_two_known_devices_is_a_guess_and_is_not_made():
    """What two people reach only by way of their devices belongs to neither."""
    resolution = resolution_of(
        link("cookie:a", "user:1"),
        link("cookie:b", "user:2"),
        link("cookie:c", "cookie:a"),
        link("cookie:c", "cookie:b"),
    )
    assert together("cookie:c") in groups(resolution)
    assert together("cookie:a", "user:1") in groups(resolution)


def test_unique_ids_of_two_types_join_unless_they_contradict():
    """A loyalty card joins its account; the card of another account is a conflict."""
    resolution = resolution_of(
        link("user:1", "loyalty:x", 1), link("user:2", "loyalty:y", 2), link("user:1", "loyalty:y", 3)
    )
    assert groups(resolution) == {together("user:1", "loyalty:x"), together("user:2", "loyalty:y")}
    assert rules_of(resolution) == {"loyalty:y user:1": "unique"}


def test_a_limit_counts_values_in_its_window_by_event_time():
    """Two addresses in ten days, and more over the years."""
    near = [link(f"email:e{number}", "user:1", number * DAY) for number in range(3)]
    assert rules_of(resolution_of(*near)) == {"email:e2 user:1": "limit"}
    far = [link(f"email:e{number}", "user:1", number * 6 * DAY) for number in range(5)]
    assert resolution_of(*far).refused == ()


def test_what_a_limit_keeps_out_is_a_profile_of_its_own():
    """The address beyond the limit keeps its devices, and gets no second way in."""
    links = [link(f"email:e{number}", "user:1", number) for number in range(3)]
    resolution = resolution_of(*links, link("cookie:z", "email:e2", 5))
    assert together("email:e2", "cookie:z") in groups(resolution)


def test_a_profile_has_a_size():
    """Beyond the cap links are kept and do not hold."""
    rules = IdentityRules({"user": TypeRule(1, unique=True), "cookie": TypeRule(2)}, profile_limit=3)
    resolution = resolution_of(*(link(f"cookie:{number}", "user:1", number) for number in range(5)), rules=rules)
    assert together("user:1", "cookie:0", "cookie:1") in groups(resolution)
    assert set(rules_of(resolution).values()) == {"profile size"}


def test_an_alias_is_stronger_than_an_observation():
    """Who says that a device is his gets it, though somebody else was seen on it."""
    resolution = resolution_of(link("cookie:a", "user:1", 1), link("cookie:a", "user:2", 9, stated=True))
    assert together("cookie:a", "user:2") in groups(resolution)


def test_an_alias_is_weaker_than_a_unique_id():
    """An alias cannot make one account of two."""
    resolution = resolution_of(link("user:1", "user:2", stated=True))
    assert rules_of(resolution) == {"user:1 user:2": "unique"}


def test_the_degree_alarm_stops_a_value_seen_with_too_many_people():
    """A till links nobody, not even the devices that would be nobody's problem."""
    crowd = [link("email:team", f"user:{number}", number) for number in range(4)]
    resolution = resolution_of(*crowd, link("email:team", "cookie:a"))
    assert together("email:team") in groups(resolution)
    assert set(rules_of(resolution).values()) == {"degree alarm"}


def test_the_alarm_looks_at_thirty_days():
    """A phone handed down the family over the years is no till."""
    slow = [link("email:team", f"user:{number}", number * 31 * DAY) for number in range(4)]
    assert not is_alarmed(identifier("email:team"), slow, RULES)
    assert is_alarmed(identifier("email:team"), [link("email:team", f"user:{number}") for number in range(4)], RULES)


def test_a_hot_identifier_of_any_type_stops_joining():
    """An account that a load test used on thousands of devices cannot slow a partition."""
    crowd = [link("user:bot", f"cookie:{number}", number * 31 * DAY) for number in range(51)]
    assert is_alarmed(identifier("user:bot"), crowd, RULES)
    assert not is_alarmed(identifier("user:bot"), crowd[:50], RULES)


def test_most_at_once_counts_intervals_in_one_window():
    """Intervals touch a window by their ends; a window is half open."""
    assert most_at_once([(0, 0), (9, 9)], 10) == 2
    assert most_at_once([(0, 0), (10, 10)], 10) == 1
    assert most_at_once([(0, 50), (40, 90), (59, 59)], 10) == 3
    assert most_at_once([], 10) == 0


def test_an_identifier_without_a_rule_joins_nothing():
    """A type that left the schema stays readable by itself."""
    resolution = resolution_of(link("user:1", "old:x"), link("user:1", "cookie:a"))
    assert groups(resolution) == {together("user:1", "cookie:a"), together("old:x")}


# People's decisions


def test_an_allowed_link_overrides_the_rules():
    """A person knows that the two accounts are one."""
    links = [link("cookie:a", "user:1"), link("user:1", "user:2"), link("email:e", "user:2")]
    resolution = resolution_of(*links, decisions=[allow("user:1", "user:2")])
    assert groups(resolution) == {together("cookie:a", "user:1", "user:2", "email:e")}


def test_two_profiles_can_be_joined_without_any_event():
    """A decision is a link of its own."""
    resolution = resolution_of(alone=("user:1", "cookie:z"), decisions=[allow("user:1", "cookie:z")])
    assert groups(resolution) == {together("user:1", "cookie:z")}
    assert resolution.held == (pair(("user", "1"), ("cookie", "z")),)


def test_an_allowed_link_settles_an_ambiguous_device():
    """The device is his who a person says, and the other link is refused for a new reason."""
    links = [link("cookie:a", "user:1"), link("cookie:a", "user:2")]
    resolution = resolution_of(*links, decisions=[allow("cookie:a", "user:2")])
    assert together("cookie:a", "user:2") in groups(resolution)
    assert rules_of(resolution) == {"cookie:a user:1": "unique"}


def test_kept_apart_holds_against_every_way_round():
    """Not only their own link: no chain of others may join the two."""
    links = [link("email:e", "user:1"), link("cookie:a", "email:e"), link("cookie:a", "user:1")]
    resolution = resolution_of(*links, decisions=[keep_apart("cookie:a", "email:e")])
    assert groups(resolution) == {together("email:e", "user:1"), together("cookie:a")}


def test_keeping_apart_never_joins():
    """A device of two people that is kept apart from one of them is not thereby the other's."""
    links = [
        link("cookie:a", "user:1"),
        link("cookie:a", "user:2"),
        link("email:e", "user:1", 1),
        link("email:e", "user:2", 2),
    ]
    decisions = [keep_apart("cookie:a", "user:1"), keep_apart("email:e", "user:1")]
    assert all(len(group) == 1 for group in groups(resolution_of(*links, decisions=decisions)))


def test_kept_apart_beats_allowed_at_the_same_time_and_the_newest_word_counts():
    """Splitting is the smaller mistake."""
    both = [keep_apart("user:1", "cookie:a", 5), allow("user:1", "cookie:a", 5)]
    assert len(groups(resolution_of(link("user:1", "cookie:a"), decisions=both))) == 2
    later = [keep_apart("user:1", "cookie:a", 5), allow("user:1", "cookie:a", 6)]
    assert len(groups(resolution_of(link("user:1", "cookie:a"), decisions=later))) == 1


def test_a_blocked_value_leaves_its_profile():
    """Blocking one value takes its fragment out and leaves the rest."""
    decisions = [Decision("value blocked", identifier("email:e"))]
    resolution = resolution_of(link("email:e", "user:1"), link("cookie:a", "user:1"), decisions=decisions)
    assert groups(resolution) == {together("email:e"), together("cookie:a", "user:1")}
    assert rules_of(resolution) == {"email:e user:1": "value blocked"}


def test_unmerge_takes_out_what_was_named():
    """Exactly the named identifiers leave, and no new link of any of them brings one back."""
    links = [link("cookie:a", "user:1"), link("email:e", "user:1"), link("cookie:b", "email:e")]
    before = resolution_of(*links)
    (part,) = before.parts
    leaving = frozenset({identifier("email:e"), identifier("cookie:b")})
    apart = [Decision("kept apart", *pair, "ann", 1) for pair in pairs_that_separate(part, leaving)]
    split = {together("cookie:a", "user:1"), together("email:e", "cookie:b")}
    assert groups(resolution_of(*links, decisions=apart)) == split
    assert groups(resolution_of(*links, link("cookie:a", "cookie:b", 50), decisions=apart)) == split


@pytest.mark.parametrize("leaving", [(), ("cookie:a", "user:1"), ("cookie:z",)])
def test_unmerge_needs_a_real_part(leaving):
    """Nothing, everything, or a stranger cannot leave."""
    (part,) = resolution_of(link("cookie:a", "user:1")).parts
    with pytest.raises(ValueError, match="not all of them"):
        pairs_that_separate(part, frozenset(map(identifier, leaving)))


# Conflicts and changes


def test_a_conflict_says_what_happened_and_where():
    """Rule, version, both profiles, the event that showed the link, and its state."""
    links = united_links([link("email:e", "user:1", 3), link("email:e", "user:2", 9)])
    resolution = resolve(seen_in(links.values()), list(links.values()), RULES)
    (conflict,) = conflicts_of(resolution, links, Decisions())
    assert (conflict.rule, conflict.version, conflict.state) == ("taken", "r1", "open")
    assert {conflict.left, conflict.right} == {identifier("user:1"), identifier("user:2")}
    assert conflict.seen.message_id == "m9"


def test_decided_conflicts_stay_visible():
    """What a person decided is listed with its state, not lost."""
    links = united_links([link("cookie:a", "user:1"), link("email:e", "user:1")])
    decisions = Decisions.of([keep_apart("cookie:a", "user:1"), allow("email:e", "user:1")])
    found = conflicts_of(resolve(seen_in(links.values()), list(links.values()), RULES, decisions), links, decisions)
    assert [(each.pair[0].type, each.state) for each in found] == [("cookie", "kept apart"), ("email", "allowed")]


def test_a_preview_shows_only_the_profiles_that_would_change():
    """Before somebody allows a link he sees who joins."""
    links = [link("user:1", "user:2"), link("cookie:a", "user:3"), link("cookie:a", "user:2", 5)]
    proposed = Decisions.of([allow("user:1", "user:2")])
    preview = consequence(seen_in(links), links, RULES, Decisions(), proposed)
    assert {part.founder for part in preview.before} == {identifier("user:1"), identifier("user:2")}
    assert [part.members for part in preview.after] == [(identifier("user:1"), identifier("user:2"))]


def part(*texts):
    members = tuple(sorted(map(identifier, texts)))
    return Part(identifier(texts[0]), members)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [part("user:1")], [("created", "user:1", ())]),
        ([part("user:1")], [part("user:1", "cookie:a")], []),
        (
            [part("user:1"), part("cookie:a")],
            [part("user:1", "cookie:a")],
            [("merged", "user:1", ("cookie:a", "user:1"))],
        ),
        (
            [part("user:1", "cookie:a")],
            [part("user:1"), part("cookie:a")],
            [("split", "cookie:a", ("user:1",)), ("split", "user:1", ("user:1",))],
        ),
        ([part("user:1", "cookie:a")], [part("cookie:a", "user:1")], [("renamed", "cookie:a", ("user:1",))]),
        (
            [part("user:1", "cookie:a"), part("user:2")],
            [part("user:1"), part("user:2", "cookie:a")],
            [("split", "user:1", ("user:1",)), ("moved", "user:2", ("user:1", "user:2"))],
        ),
    ],
)
def test_changes_of_profiles_are_named(before, after, expected):
    """Consumers of old ids learn what became of them."""
    changes = [ProfileChange(kind, identifier(new), tuple(map(identifier, old))) for kind, new, old in expected]
    assert list(profile_changes(before, after)) == changes


# Laws

NAMES = st.sampled_from(
    [
        "user:1",
        "user:2",
        "user:3",
        "loyalty:x",
        "email:e",
        "email:f",
        "email:g",
        "phone:p",
        "cookie:a",
        "cookie:b",
        "cookie:c",
    ]
)
LINKS = st.lists(
    st.builds(
        lambda ends, at, stated: link(*ends, at * DAY, stated=stated),
        st.tuples(NAMES, NAMES).filter(lambda ends: ends[0] != ends[1]),
        st.integers(0, 20),
        st.integers(0, 9).map(lambda number: number == 0),
    ),
    min_size=1,
    max_size=14,
)
DECISIONS = st.lists(
    st.builds(
        lambda kind, ends: Decision(kind, identifier(ends[0]), identifier(ends[1])),
        st.sampled_from(["allowed", "kept apart"]),
        st.tuples(NAMES, NAMES).filter(lambda ends: ends[0] != ends[1]),
    )
    | st.builds(lambda name: Decision("value blocked", identifier(name)), NAMES),
    max_size=3,
)


@settings(max_examples=300)
@given(LINKS, DECISIONS, st.randoms())
def test_arrival_order_does_not_matter(links, decisions, chance):
    """The same links in another order, in other parts, give the same resolution."""
    shuffled = list(links)
    chance.shuffle(shuffled)
    decided = Decisions.of(decisions)
    one, two = united_links(links), united_links(shuffled)
    assert one == two
    reversed_seen = dict(reversed(seen_in(shuffled).items()))
    first = resolve(seen_in(links), list(one.values()), RULES, decided)
    assert resolve(reversed_seen, list(two.values()), RULES, decided) == first


@settings(max_examples=300)
@given(LINKS)
def test_the_short_cut_gives_the_full_answer(links):
    """Where nothing is disputed the quick way and the long way agree."""
    united = list(united_links(links).values())
    assert resolve(seen_in(links), united, RULES) == resolve_fully(seen_in(links), united, RULES)


@settings(max_examples=300)
@given(LINKS, DECISIONS)
def test_what_holds_never_breaks_a_rule(links, decisions):
    """Without a person's word no profile has two unique ids of a type, and what is kept apart is apart."""
    decided = Decisions.of(decisions)
    resolution = resolve(seen_in(links), list(united_links(links).values()), RULES, decided)
    parts = resolution.part_of()
    for left, right in decided.apart:
        assert left not in parts or right not in parts or parts[left] != parts[right]
    if not decided.allowed:
        for part in resolution.parts:
            types = [member.type for member in part.members if RULES.types[member.type].unique]
            assert len(types) == len(set(types))
    assert {each.pair for each in resolution.refused} | set(resolution.held) >= {each.pair for each in links}
    assert {member for part in resolution.parts for member in part.members} == set(seen_in(links))


@settings(max_examples=200)
@given(LINKS)
def test_parts_hold_together_by_links_that_hold(links):
    """Nobody is in a profile without a chain of links that hold."""
    resolution = resolve(seen_in(links), list(united_links(links).values()), RULES)
    for part in resolution.parts:
        reached, waiting = set(), [part.founder]
        while waiting:
            here = waiting.pop()
            if here not in reached:
                reached.add(here)
                waiting += [end for held in resolution.held if here in held for end in held]
        assert reached == set(part.members)


@settings(max_examples=200)
@given(LINKS)
def test_a_component_may_be_cut_at_an_alarmed_value(links):
    """Gathering may stop at a value under the alarm: what lies beyond does not change this side."""
    crowd = [link("email:team", f"user:{number}") for number in range(1, 6)]
    everything = united_links([*links, *crowd])
    team = identifier("email:team")
    seen = seen_in(everything.values())
    whole = resolve(seen, list(everything.values()), RULES)
    near = {name: each for name, each in everything.items() if team not in name or identifier("user:1") in name}
    ends = {end: seen[end] for name in near for end in name}
    part_only = resolve(ends, list(near.values()), RULES, alarmed=frozenset({team}))
    for part in part_only.parts:
        assert part in whole.parts


@given(LINKS, st.randoms())
def test_links_merge_in_any_order(links, chance):
    """The set of links is a union: commutative, associative."""
    same = [Link(links[0].pair, each.seen, each.stated, (index,)) for index, each in enumerate(links)]
    shuffled = list(same)
    chance.shuffle(shuffled)
    merged = same[0]
    for each in same[1:]:
        merged = merge_links(merged, each)
    assert united_links(shuffled) == {merged.pair: merged}
    assert merged.seen.count == len(same)
