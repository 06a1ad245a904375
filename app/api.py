"""Table of contents of the API: every router, one line each."""

from __future__ import annotations

from fastapi import APIRouter

from app.auth import endpoints as auth
from app.catalog import endpoints as catalog
from app.catalog import type_endpoints as folder_types
from app.certificate_orders import endpoints as certificate_orders
from app.comparisons import endpoints as comparisons
from app.configuration import endpoints as configuration
from app.deposits import endpoints as deposits
from app.desks import endpoints as desks
from app.devices import endpoints as devices
from app.folders import endpoints as folders
from app.handovers import endpoints as handovers
from app.inbox import endpoints as inbox
from app.kit.problems import problem_responses
from app.members import endpoints as members
from app.notes import endpoints as notes
from app.powers import endpoints as powers
from app.settings import MIB
from app.signing_jobs import endpoints as signing_jobs
from app.simulations import endpoints as simulations
from app.tenants import endpoints as tenants
from app.transmissions import endpoints as transmissions
from app.users import endpoints as users
from app.workflow_changes import endpoints as workflow_changes

# What a body may weigh: JSON is read whole before anybody is asked who he is (threat 48).
# Revocation lists, acknowledgements and the values of a flow of 10 000 slips are longer; deposits
# count their own bytes as they come.
_JSON, _LISTS, _ANSWERS, _CONFIGURATION = MIB, 32 * MIB, 16 * MIB, 2 * MIB

router = APIRouter(prefix="/api/v1", responses=problem_responses(422))
router.include_router(auth.router, max_body_size=_JSON)
router.include_router(tenants.router, max_body_size=_LISTS)
router.include_router(users.router, max_body_size=_JSON)
router.include_router(desks.router, max_body_size=_JSON)
router.include_router(powers.router, max_body_size=_JSON)
router.include_router(certificate_orders.router, max_body_size=_JSON)
router.include_router(members.router, max_body_size=_JSON)
router.include_router(devices.router, max_body_size=_JSON)
router.include_router(catalog.router, max_body_size=_JSON)
router.include_router(folder_types.router, max_body_size=_JSON)
router.include_router(deposits.router)
router.include_router(folders.router, max_body_size=_JSON)
router.include_router(inbox.router, max_body_size=_JSON)
router.include_router(notes.router, max_body_size=_JSON)
router.include_router(comparisons.router, max_body_size=_JSON)
router.include_router(configuration.router, max_body_size=_CONFIGURATION)
router.include_router(handovers.router, max_body_size=_JSON)
router.include_router(signing_jobs.router, max_body_size=_ANSWERS)
router.include_router(simulations.router, max_body_size=_JSON)
router.include_router(transmissions.router, max_body_size=_ANSWERS)
router.include_router(workflow_changes.router, max_body_size=_JSON)
