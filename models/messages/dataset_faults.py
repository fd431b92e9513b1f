"""Why a trainer cannot read a data set, or the data set does not fit the job."""

from __future__ import annotations

from models.messages.base import Text, Texts


class DataFaults(Texts):
    """Files of data sets that are missing, damaged, or not what was listed."""

    not_in_the_roots = Text(
        "data set {name} is in none of the data roots: looked for {folders}; mount it there, or set GANFORGE_DATA_ROOTS"
    )
    unknown_layout = Text("data set {name} has the layout {layout}; this trainer reads {known}")
    unknown_crop = Text("crop is {crop}; it must be center, face or squash")
    picture_unreadable = Text(
        "{name} is missing or not a complete {formats} picture ({error}); put the original file back, or remove it "
        "from the data set"
    )
    other_counts = Text(
        "data set {name} has {counts} pictures, but was registered with {parts}; put the missing ones back, or "
        "restart the service to register it again"
    )
    other_data = Text(
        "data set {name} has different images here than those the checkpoint was trained on (digest {found} instead "
        "of {begun}); put the original files back where this worker finds them, or start a new job"
    )

    idx_channels = Text("data set {name} has {channels} channels; idx files hold one")
    idx_lacks = Text("{folder} lacks {name} (plain or .gz); put the original file back")
    idx_unreadable = Text("{path} cannot be read ({error}); put the original file back in {parent}")
    idx_not = Text("{path} is not an IDX file of bytes (it begins with {head}); put the original file back in {parent}")
    idx_other_dimensions = Text(
        "{path} holds {count} dimensions, the data set was listed with {wanted}; put the original file back in {parent}"
    )
    idx_other_shape = Text(
        "{path} holds {found}, the data set was listed with {wanted}; put the original file back in {parent}"
    )
    idx_short = Text("{path} ends after {found} of {total} bytes of data; put the original file back in {parent}")
    idx_long = Text("{path} goes on after {total} of {total} bytes of data; put the original file back in {parent}")

    cifar_not_official = Text(
        "{file} is missing or not the official file ({error}); put the original files back in {folder}"
    )
    cifar_other_shape = Text(
        "{folder} holds {shape} in part {part}, the data set was listed with {wanted}; put the original files back"
    )
    celeba_lacks = Text(
        "{place} lacks {count} of {total} pictures of {name}, the first is {first}; unpack img_align_celeba.zip again"
    )
    celeba_not_official = Text(
        "{file} is missing or not the official file ({error}); put CelebA's five lists back in {folder}"
    )
    lsun_needs = Text("reading LSUN's databases needs lmdb ({error}); install it, or keep a folder of JPEGs")
    lsun_short = Text(
        "{path}/data.mdb ends after {there} of {size} bytes; put the original {name}/data.mdb back in {parent}"
    )
    lsun_unreadable = Text(
        "{path}/data.mdb cannot be read ({error}); put the original {name}/data.mdb back in {parent}"
    )
    class_not_in_the_name = Text(
        "{path} does not say its class; names end in one of {classes}, as in 123_automobile.png: rename it, or remove"
        " it"
    )

    packed_not_here = Text("the file of data set {name} is not here ({path}); upload it again")
    packed_unreadable = Text("{path} is no whole packed file of data set {name} ({error}); upload the data set again")
    packed_label = Text(
        "{path} has a label {label} in part {part}, and data set {name} has {classes} classes; upload the data set "
        "again"
    )
    packed_lacks = Text("{path} has no {name}; upload the data set again")
    packed_other_shape = Text(
        "{path} holds {type} {found} as {name}, the data set was listed with U8 {wanted}; upload the data set again"
    )


class Misfits(Texts):
    """A data set that a trainer read well, but that does not fit the job."""

    fewer_than_a_batch = Text(
        "the data set has {count} images, fewer than one batch of {size}: set `batch_size` to {count} or less, or use"
        " a larger data set"
    )
    no_domains = Text("the data set has neither two domains nor classes to make them from")
    empty_domain = Text("one of the two domains is empty: give each at least one image")
    no_classes = Text("the data set has no classes; put its images into one folder for each class")
    empty_class = Text("no training image is of class {name}: add some, or remove the class from the data set")
    no_test_part = Text(
        "the data set has {count} images and no test part; every {kept}th is kept for testing: use one with at least "
        "{kept} images"
    )
    judged_channels = Text(
        "data set {name} has images of {channels} channel(s), the images to judge have {wanted}: compare with another "
        "data set"
    )
    no_reference = Text(
        "data set {name} has the parts {parts} and no training images to compare with; compare with another one"
    )
    translator_channels = Text("data set {name} has {channels} channels, the translator takes {wanted}")
