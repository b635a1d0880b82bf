"""Every backend keeps the contract of its interface."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.base import ObjectStore, UpdateLog
from storage.file_objects import FileObjects
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.sqlite_log import SqliteLog
from storage.testing import HeldLog, ObjectStoreContract, UpdateLogContract
from storage.values import Level


@pytest.mark.anyio
class TestSqliteLog(UpdateLogContract):
    @pytest.fixture
    async def log(self, tmp_path: Path) -> AsyncIterator[UpdateLog]:
        log = SqliteLog(tmp_path / "log.sqlite")
        yield log
        await log.close()

    async def reopen(self, log: UpdateLog) -> UpdateLog:
        assert isinstance(log, SqliteLog)
        await log.close()
        return SqliteLog(log.path)


@pytest.mark.anyio
class TestMemoryLog(UpdateLogContract):
    @pytest.fixture(params=[Level.RECORDED, Level.SYNCED, Level.REPLICATED])
    def log(self, request: pytest.FixtureRequest) -> UpdateLog:
        return MemoryLog(strongest=request.param)


@pytest.mark.anyio
class TestHeldLog(UpdateLogContract):
    @pytest.fixture
    def log(self) -> UpdateLog:
        return HeldLog(MemoryLog())


@pytest.mark.anyio
class TestFileObjects(ObjectStoreContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> ObjectStore:
        return FileObjects(tmp_path / "objects")


@pytest.mark.anyio
class TestMemoryObjects(ObjectStoreContract):
    @pytest.fixture
    def objects(self) -> ObjectStore:
        return MemoryObjects()
