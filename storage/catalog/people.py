"""People in the catalogue: accounts, how they prove who they are, and the devices they are signed in on."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TypeVar

from sqlalchemy import ColumnElement, Delete, Insert, Select, Table, Update, delete, insert, select, update

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.people_values import Identity, Login, MailToken, Purpose, User
from storage.catalog.shares import Kind
from storage.catalog.values import storable

_Value = TypeVar("_Value", User, Identity, Login, MailToken)

_TABLES: dict[type, Table] = {
    User: tables.users,
    Identity: tables.identities,
    Login: tables.logins,
    MailToken: tables.mail_tokens,
}

_PERSONAL = (
    tables.identities,
    tables.recovery_codes,
    tables.logins,
    tables.mail_tokens,
    tables.group_members,
    tables.blocks,
    tables.idempotency,
)
"""Tables of rows about one `user`, all of which go with it."""


class People:
    """Rows in `database`. Every method raises Unavailable; its text holds no row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Users

    async def add_user(self, user: User) -> bool:
        """Add `user`; False where its id or its address is taken."""
        return await self._write("add user", _insert_new(self._database, user)) == 1

    async def user(self, id: str) -> User | None:
        """The user with this id, also a disabled or erased one."""
        return await self._one(User, tables.users.c.id == id) if storable(id) else None

    async def user_by_email(self, email: str) -> User | None:
        """The user with this lower-cased address."""
        return await self._one(User, tables.users.c.email == email) if storable(email) else None

    async def rename(self, id: str, name: str) -> None:
        """Set the name that others see."""
        await self._write("rename user", _change(id, name=name))

    async def set_password(self, id: str, password: str) -> None:
        """Set the password, as argon2 text."""
        await self._write("set password", _change(id, password=password))

    async def set_email(self, id: str, email: str) -> bool:
        """Set a verified address; False where another user has it."""
        taken = select(tables.users.c.id).where(tables.users.c.email == email, tables.users.c.id != id)
        async with self._database.write("set email") as connection:
            if (await connection.execute(taken)).first() is not None:
                return False
            await connection.execute(_change(id, email=email, email_verified=True))
            return True

    async def set_tier(self, id: str, tier: str) -> None:
        """Set how much the account may ask for."""
        await self._write("set tier", _change(id, tier=tier))

    async def set_disabled(self, id: str, disabled: bool) -> None:
        """Keep a user from signing in, or let it again."""
        await self._write("disable user", _change(id, disabled=disabled))

    async def claim(self, guest: User, account: str) -> bool:
        """Make `account` the one that took over the work of `guest`; False where another one did before.

        The tabs and materials that the guest owned are the account's then.
        """
        users = tables.users
        free = users.c.claimed_by.is_(None) | (users.c.claimed_by == account)
        async with self._database.write("claim guest") as connection:
            await connection.execute(_insert_new(self._database, guest))
            claimed = await connection.execute(
                _change(guest.id, claimed_by=account).where(users.c.guest.is_(True), free)
            )
            if claimed.rowcount != 1:
                return False
            for owned in (tables.tabs, tables.materials):
                await connection.execute(update(owned).where(owned.c.owner == guest.id).values(owner=account))
            return True

    async def guests_of(self, account: str) -> list[User]:
        """The guests whose work `account` has taken over, oldest first."""
        query = select(tables.users).where(tables.users.c.claimed_by == account)
        return await self._all(User, query.order_by(tables.users.c.created, tables.users.c.id))

    async def erase(self, id: str, now: int) -> None:
        """Forget everything about a user and the guests it claimed but their ids.

        What it owns is the caller's to give up; what others gave it is taken back.
        """
        users, mails = tables.users, tables.mail_tokens
        address = select(users.c.email).where(users.c.id == id).scalar_subquery()
        async with self._database.write("erase user") as connection:
            await connection.execute(delete(mails).where(mails.c.email == address))
            for table in _PERSONAL:
                await connection.execute(delete(table).where(table.c.user == id))
            given = (tables.grants.c.grantee_kind == Kind.USER) & (tables.grants.c.grantee == id)
            await connection.execute(delete(tables.grants).where(given))
            await connection.execute(
                update(users)
                .where((users.c.id == id) | (users.c.claimed_by == id))
                .values(
                    name="",
                    email=None,
                    email_verified=False,
                    password=None,
                    totp_secret=None,
                    totp_confirmed=False,
                    disabled=True,
                    erased=now,
                )
            )

    # The second factor

    async def begin_totp(self, id: str, secret: bytes) -> bool:
        """Keep a secret until its first code confirms it; False where one is confirmed already."""
        change = _change(id, totp_secret=secret, totp_step=0)
        return await self._write("begin totp", change.where(tables.users.c.totp_confirmed.is_(False))) == 1

    async def confirm_totp(self, id: str, step: int, codes: Sequence[bytes]) -> bool:
        """Turn the second factor on, with hashes of new recovery codes; False where it is on already."""
        change = _change(id, totp_confirmed=True, totp_step=step)
        pending = tables.users.c.totp_confirmed.is_(False) & tables.users.c.totp_secret.is_not(None)
        async with self._database.write("confirm totp") as connection:
            if (await connection.execute(change.where(pending))).rowcount != 1:
                return False
            await connection.execute(_forget_codes(id))
            rows = [{"hash": code, "user": id} for code in codes]
            await connection.execute(insert(tables.recovery_codes), rows)
            return True

    async def take_totp_step(self, id: str, step: int) -> bool:
        """Accept the code of a time step; False where it or a later one was accepted before."""
        change = _change(id, totp_step=step).where(tables.users.c.totp_step < step)
        return await self._write("accept code", change) == 1

    async def take_recovery_code(self, id: str, hash: bytes) -> bool:
        """Use up one recovery code of this user; False where it has no such code."""
        codes = tables.recovery_codes
        return (
            await self._write("take code", delete(codes).where(codes.c.user == id, codes.c.hash == hash)) == 1
        )

    async def end_totp(self, id: str) -> None:
        """Turn the second factor off."""
        async with self._database.write("end totp") as connection:
            await connection.execute(_forget_codes(id))
            await connection.execute(_change(id, totp_secret=None, totp_confirmed=False))

    # Identities of OpenID Connect

    async def add_identity(self, identity: Identity) -> bool:
        """Let a subject of an issuer sign in as a user; False where it is known already."""
        return await self._write("add identity", _insert_new(self._database, identity)) == 1

    async def identity(self, issuer: str, subject: str) -> Identity | None:
        """What is known about a subject of an issuer."""
        table = tables.identities
        if not storable(subject):
            return None
        return await self._one(Identity, (table.c.issuer == issuer) & (table.c.subject == subject))

    async def identities(self, user: str) -> list[Identity]:
        """The identities of a user."""
        table = tables.identities
        query = select(table).where(table.c.user == user).order_by(table.c.issuer, table.c.subject)
        return await self._all(Identity, query)

    async def remove_identity(self, user: str, issuer: str) -> bool:
        """No longer let a user sign in with an issuer; False where it did not."""
        table = tables.identities
        return (
            await self._write(
                "remove identity", delete(table).where(table.c.user == user, table.c.issuer == issuer)
            )
            > 0
        )

    # Signed-in devices

    async def add_login(self, login: Login) -> None:
        """Add a signed-in device."""
        await self._write("add login", insert(tables.logins).values(asdict(login)))

    async def login(self, id: str) -> Login | None:
        """A signed-in device, also an expired or revoked one."""
        return await self._one(Login, tables.logins.c.id == id)

    async def session(self, id: str) -> tuple[User, Login] | None:
        """A signed-in device and its user, in one query; also an expired or revoked one."""
        users, logins = tables.users, tables.logins
        query = select(users, logins).join(logins, logins.c.user == users.c.id).where(logins.c.id == id)
        async with self._database.read("read session") as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        width = len(users.c)
        user = User(**dict(zip(users.c.keys(), row[:width], strict=True)))
        return user, Login(**dict(zip(logins.c.keys(), row[width:], strict=True)))

    async def logins(self, user: str, now: int) -> list[Login]:
        """The devices that a user is signed in on, the last seen first."""
        table = tables.logins
        query = select(table).where(table.c.user == user, table.c.revoked.is_(None), table.c.expires > now)
        return await self._all(Login, query.order_by(table.c.seen.desc(), table.c.id))

    async def rotate(self, id: str, old: bytes, new: bytes, now: int, expires: int) -> bool:
        """Replace the hash of a device's refresh token; False unless it was `old` on a live login."""
        table = tables.logins
        live = (table.c.id == id) & table.c.revoked.is_(None) & (table.c.expires > now)
        values = {"refresh": new, "previous": old, "seen": now, "expires": expires}
        return (
            await self._write("refresh", update(table).where(live, table.c.refresh == old).values(values))
            == 1
        )

    async def revoke_login(self, user: str, id: str, now: int) -> bool:
        """Sign one device of a user out; False where it has no such device signed in."""
        condition = (tables.logins.c.user == user) & (tables.logins.c.id == id)
        return bool(await self._revoke(condition, now))

    async def revoke_logins(self, user: str, now: int, *, but: str = "") -> list[str]:
        """Sign out all devices of a user, except the login `but`; the ids of those that were signed in."""
        return await self._revoke((tables.logins.c.user == user) & (tables.logins.c.id != but), now)

    # Mailed links

    async def add_mail_token(self, token: MailToken) -> None:
        """Add what a mailed link proves."""
        await self._write("add mail token", insert(tables.mail_tokens).values(asdict(token)))

    async def mail_token(self, hash: bytes, purpose: Purpose, now: int) -> MailToken | None:
        """What a link proves that is still good."""
        return await self._one(MailToken, _good(hash, purpose, now))

    async def take_mail_token(self, hash: bytes, purpose: Purpose, now: int) -> bool:
        """Use up a link; False where it was used, has expired, or never was."""
        change = update(tables.mail_tokens).where(_good(hash, purpose, now)).values(used=now)
        return await self._write("take mail token", change) == 1

    async def forget_mail_tokens(self, user: str, purpose: Purpose) -> None:
        """Make a user's links of one purpose worthless."""
        table = tables.mail_tokens
        await self._write(
            "forget mail", delete(table).where(table.c.user == user, table.c.purpose == purpose)
        )

    async def purge(self, before: int) -> int:
        """Delete mail tokens and logins that expired before a time; how many."""
        gone = 0
        for table in (tables.mail_tokens, tables.logins):
            gone += await self._write("purge logins", delete(table).where(table.c.expires < before))
        return gone

    async def _revoke(self, condition: ColumnElement[bool], now: int) -> list[str]:
        table = tables.logins
        change = update(table).where(condition, table.c.revoked.is_(None)).values(revoked=now)
        async with self._database.write("sign out") as connection:
            return sorted(await connection.scalars(change.returning(table.c.id)))

    async def _write(self, operation: str, statement: Insert | Update | Delete) -> int:
        """How many rows `statement` touched."""
        async with self._database.write(operation) as connection:
            return (await connection.execute(statement)).rowcount

    async def _one(self, kind: type[_Value], condition: ColumnElement[bool]) -> _Value | None:
        found = await self._all(kind, select(_TABLES[kind]).where(condition))
        return found[0] if found else None

    async def _all(self, kind: type[_Value], query: Select[tuple[object, ...]]) -> list[_Value]:
        async with self._database.read(f"read {kind.__name__.lower()}") as connection:
            return [kind(**row) for row in (await connection.execute(query)).mappings()]


def _insert_new(database: Database, value: User | Identity) -> Insert:
    return database.insert_new(_TABLES[type(value)]).values(
        {field.name: getattr(value, field.name) for field in fields(value)}
    )


def _change(id: str, **values: object) -> Update:
    return update(tables.users).where(tables.users.c.id == id).values(**values)


def _forget_codes(user: str) -> Delete:
    return delete(tables.recovery_codes).where(tables.recovery_codes.c.user == user)


def _good(hash: bytes, purpose: Purpose, now: int) -> ColumnElement[bool]:
    table = tables.mail_tokens
    live = table.c.used.is_(None) & (table.c.expires > now)
    return (table.c.hash == hash) & (table.c.purpose == purpose) & live
