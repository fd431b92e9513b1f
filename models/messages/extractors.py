"""Why an extractor, the network whose features judge images, cannot be used."""

from __future__ import annotations

from models.messages.base import Text, Texts


class ExtractorFaults(Texts):
    """Why the file of an extractor is refused."""

    other_extractor = Text("the weights of the extractor {name} have the sha256 {found}, not {wanted}")
    unknown_inception = Text(
        "{file} (sha256 {sha256}) does not contain known Inception weights: put {files} into the folder extractors "
        "below a data root"
    )
    no_inception = Text("the Inception weights are incomplete: {name} is missing or has another shape")
    unreadable_extractor = Text("the extractor {file} cannot be read: {error}")
    extractor_channels = Text("the extractor {name} takes images of {wanted} channels, and these have {channels}")

    cannot_be_made = Text("no extractor can be made for data set {name}: {what}")
    making_failed = Text(
        "the job that makes the extractor of data set {name} did not succeed ({job}): see its error, then submit "
        "again, which makes another one"
    )
    extractor_gone = Text("the extractor of data set {name} is gone or damaged: submit again, which makes another one")
    no_data_roots = Text(
        "this worker has no data root for Inception weights: set GANFORGE_DATA_ROOTS and put {files} into the folder "
        "extractors there"
    )
    unknown_files = Text("unknown Inception weights: {found}; put {files} into the same folder")
    no_inception_file = Text("no Inception weights in {folders}: put {files} there")
