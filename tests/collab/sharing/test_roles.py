"""What each role may do: a table written out by hand, so that no change goes unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.auth.grants import Role
from collab.sharing.roles import GIVABLE, RANKS, Action, GroupAction, allows, highest, on_the_wire

TABLE = {
    Action.TAKE: "owner editor commenter viewer taker",
    Action.READ: "owner editor commenter viewer",
    Action.COPY: "owner editor commenter viewer",
    Action.COMMENT: "owner editor commenter",
    Action.WRITE: "owner editor",
    Action.RENAME: "owner editor",
    Action.ADD: "owner editor",
    Action.ORGANISE: "owner",
    Action.SHARE: "owner",
    Action.MODERATE: "owner",
    Action.DELETE: "owner",
}
FROZEN = TABLE | dict.fromkeys((Action.COMMENT, Action.WRITE, Action.RENAME, Action.ADD), "")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_a_role_may_do_what_the_table_says(role: Role, action: Action) -> None:
    assert allows(role, action) == (role.value in TABLE[action].split())
    assert allows(role, action, frozen=True) == (role.value in FROZEN[action].split())


@pytest.mark.parametrize("role", list(Role))
def test_what_is_no_action_of_a_material_is_denied(role: Role) -> None:
    assert not any(allows(role, action) for action in GroupAction)


@given(st.lists(st.sampled_from(RANKS), min_size=1))
def test_the_highest_role_may_all_that_each_of_them_may(roles: list[Role]) -> None:
    best = highest(roles)
    assert best in roles
    for role in roles:
        assert all(allows(best, action) for action in Action if allows(role, action))


def test_of_no_roles_there_is_no_highest() -> None:
    assert highest([]) is None


def test_every_role_has_a_rank_and_all_but_the_owners_can_be_given() -> None:
    assert set(RANKS) == set(Role)
    assert set(Role) - GIVABLE == {Role.OWNER}


@pytest.mark.parametrize("role", list(Role))
def test_nobody_writes_into_what_is_frozen(role: Role) -> None:
    assert not on_the_wire(role, frozen=True).writes
    assert on_the_wire(role, frozen=False) is role
    if not role.writes:
        assert on_the_wire(role, frozen=True) is role
