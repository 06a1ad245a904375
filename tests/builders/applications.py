"""The application around a context of the tests; its routes are read once."""

from __future__ import annotations

import copy
import functools

from fastapi import FastAPI
from starlette.datastructures import State

from app.auth.passwords import PasswordChecker
from app.context import Context
from app.main import build


def application(context: Context) -> FastAPI:
    """What `build(context=context)` makes, sharing its routes with the others of this process:
    FastAPI reads every signature again for each application, longer than most tests take."""
    made = copy.copy(_built())
    made.state = State({"context": context, "password_checker": PasswordChecker()})
    return made


@functools.cache
def _built() -> FastAPI:
    return build()
