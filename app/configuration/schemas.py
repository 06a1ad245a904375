"""What the API says of a configuration: faults, findings, changes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.catalog.schemas import FindingRead


class FaultRead(BaseModel):
    """Why a document is refused."""

    code: str
    detail: str


class WorkflowFindings(BaseModel):
    """What is wrong or doubtful in a circuit of the document, as it would stand."""

    workflow: str
    findings: list[FindingRead]


class ConfigurationCheck(BaseModel):
    """Whether the document could be applied here. Findings refuse nothing: an error among them
    keeps its circuit a draft."""

    valid: bool
    faults: list[FaultRead]
    findings: list[WorkflowFindings]


class ChangeRead(BaseModel):
    """One difference, for programs and for people. `fields` are what changes of the thing."""

    section: str
    change: str
    name: str
    fields: list[str]
    sentence: str


class NotInForce(BaseModel):
    """A circuit that the document wants in force and that stays a draft, with the reason."""

    workflow: str
    detail: str


class WaitingSubtype(BaseModel):
    """A subtype in service that takes no folder for these circuits, which are not in force."""

    subtype: str = Field(description="« type / sous-type ».")
    workflows: list[str]
    detail: str


class ConfigurationPlan(ConfigurationCheck):
    """What applying the document changes. `left_alone` stands and is not in the document."""

    changes: list[ChangeRead]
    left_alone: list[str]
    not_in_force: list[NotInForce]
    waiting_subtypes: list[WaitingSubtype]


class TemplateRead(BaseModel):
    """A configuration that ships with the product, to start from."""

    name: str = Field(examples=["petite-commune"])
    title: str
    summary: str
