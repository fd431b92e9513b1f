"""Why an extractor, the network whose features judge images, cannot be used."""

from __future__ import annotations

from models.messages.base import Text, Texts


class ExtractorFaults(Texts):
    """Why the file of an extractor is refused."""

    other_extractor = Text("the extractor {name} has other weights than it should: {found}, and not {wanted}")
    unknown_inception = Text(
        "{file} has the sha256 {sha256}, which is that of no known Inception weights: put {files} into the folder "
        "extractors below a data root"
    )
    no_inception = Text("the Inception weights lack or garble {name}")
    unreadable_extractor = Text("the extractor {file} cannot be read: {error}")
    extractor_channels = Text("the extractor {name} takes images of {wanted} channels, and these have {channels}")
