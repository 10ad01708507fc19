"""All events of `format=events`, in the order in which its page tells of them."""

from typing import TypeAlias

from api.protocols.events import schema

ToldEvent: TypeAlias = (
    schema.RunStart
    | schema.StepStart
    | schema.StepEnd
    | schema.UsageTold
    | schema.ModelChanged
    | schema.History
    | schema.TextStart
    | schema.TextDelta
    | schema.TextEnd
    | schema.ReasoningStart
    | schema.ReasoningDelta
    | schema.ReasoningEnd
    | schema.ToolInputStart
    | schema.ToolInputDelta
    | schema.ToolInputEnd
    | schema.ToolCallStart
    | schema.ToolCallProgress
    | schema.ToolCallWait
    | schema.ToolCallEnd
    | schema.Action
    | schema.File
    | schema.Approval
    | schema.ClientTool
    | schema.Source
    | schema.Snapshot
    | schema.AuthRequired
    | schema.Error
    | schema.RunPause
    | schema.RunEnd
    | schema.Title
    | schema.Suggestions
    | schema.Lagging
    | schema.Done
)
