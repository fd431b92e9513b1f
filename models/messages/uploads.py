"""Why an uploaded archive is no data set, what to change, and what was done to its pictures."""

from __future__ import annotations

from models.messages.base import Text, Texts


class ArchiveFaults(Texts):
    """What is wrong with an archive as a whole."""

    file_is = Text("the file is {kind}")
    neither_zip_nor_tar = Text("neither zip nor tar")
    empty_file = Text("empty")
    a_7z_archive = Text("a 7z archive")
    a_rar_archive = Text("a RAR archive")
    packed_with_zstd = Text("packed with zstd")
    a_single_picture = Text("a single picture")
    a_pdf_file = Text("a PDF file")
    too_many_members = Text("the archive has more than {count:,} members")
    too_many_members_claimed = Text("the archive has more than {count:,} members, or claims so")
    too_much = Text("more than {size} GiB come out of the archive")
    a_bomb = Text("the archive unpacks to more than {ratio} times its size, which pictures do not")
    archive_damaged = Text("the archive is cut off or damaged ({error})")
    compressed_other = Text("compressed with {how}, but it holds no tar")
    tar_end_missing = Text("the end is missing")
    tar_checksum = Text("a header has a wrong checksum")
    tar_number = Text("a header has {value} where a number has to be")
    tar_size = Text("a header claims a member of {size:,} bytes")
    tar_extra_too_large = Text("a header of a long name or of attributes has {size:,} bytes, and may have {limit:,}")
    tar_extras = Text("{limit} headers of long names or attributes follow each other without a member")
    tar_record = Text("a header of attributes is not readable at: {start}")
    too_much_memory = Text("reading the archive takes more than {size} MB of memory")
    too_long = Text("reading the archive takes too long")
    reader_failed = Text("the archive holds something that cannot be read ({error})")
    reader_ended = Text("reading the archive ended the reader (signal {signal})")
    too_large_packed = Text("{total:,} pictures of {side} pixels take more than {size} GB")


class MemberFaults(Texts):
    """What is wrong with one file of an archive; its name stands before it."""

    link = Text("is a link or a device, not a file")
    hard_link = Text("is a hard link to another file of the archive")
    sparse = Text("is stored as a sparse file")
    encrypted = Text("is encrypted")
    too_large_member = Text("is larger than {size} MB")
    nul_in_name = Text("has a NUL character in its name")
    long_name = Text("has a name of more than {count} characters")
    backslash_in_name = Text("has a backslash in its name")
    absolute_path = Text("is an absolute path")
    leads_out = Text("leads out of the archive (`..`)")
    archive_inside = Text("is an archive inside the archive")
    other_picture = Text("is a picture of a kind that is not read here ({suffix})")
    no_pixels = Text("has no pixels")
    damaged_picture = Text("is damaged: {error}")
    too_many_pixels = Text("has more than {count} million pixels")
    no_picture_format = Text("is no PNG, JPEG, WebP, BMP, AVIF or HEIC picture")
    library_missing = Text("is of a kind that this service reads only with the package {library}, which it lacks")
    too_many_of_kind = Text("has more than {count} million pixels, the most for {kind}")
    too_long_side = Text("has a side of more than {count:,} pixels")
    takes_too_much_memory = Text("takes more than {size} MB of memory to read")
    takes_too_long = Text("takes too long to read")
    ends_the_reader = Text("ends the program that reads it (signal {signal})")
    packed_by_another_method = Text("is compressed with {method}, which is not read here")
    empty_member = Text("is empty")


class PictureKinds(Texts):
    """Pictures that may have fewer pixels than others."""

    webp_or_avif = Text("a WebP, AVIF or HEIC picture")
    four_channels = Text("a picture with transparency or in CMYK")


class FolderFaults(Texts):
    """What is wrong with the folders of an archive."""

    pictures_in_all = Text("there is {count} picture in all", "there are {count} pictures in all")
    no_picture_in_all = Text("there is no picture in all")
    pictures_beside_folders = Text("some pictures stand beside folders, others in them (such as {example}/)")
    no_pair = Text("the folders {found} are no pair of domains")
    holds_few = Text("{folder}/ holds {count} picture only", "{folder}/ holds {count} pictures only")
    holds_none = Text("{folder}/ holds no picture")
    pictures_beside_classes = Text("some pictures stand in class folders, others beside them")
    class_lacking = Text("{folder}/ has a class that {train}/ lacks: {name}")
    class_holds_few = Text(
        "class folder {folder}/ holds {count} picture only", "class folder {folder}/ holds {count} pictures only"
    )
    class_holds_none = Text("class folder {folder}/ holds no picture")
    long_class_name = Text("class name {name} is too long")
    too_many_classes = Text("{classes:,} class folders are too many, or their names too long")
    unreadable_names = Text("class folders have names that cannot be read")
    too_many_folders = Text("the archive has more than {count:,} folders")
    too_deep = Text("{folder}/ is one folder too deep")
    damaged_pictures = Text(
        "{count:,} picture is damaged, or no picture at all", "{count:,} pictures are damaged, or no picture at all"
    )
    other_kinds = Text(
        "{count:,} file is of a kind that is not read here ({kinds})",
        "{count:,} files are of kinds that are not read here ({kinds})",
    )
    few_are_whole = Text("{whole} pictures are whole")
    few_of_class_are_whole = Text("too few pictures of {name} are whole")


class Remedies(Texts):
    """What to change about an upload."""

    send_an_archive = Text("send a zip, a tar, or a tar packed with gzip, bzip2 or xz")
    send_fewer = Text("send fewer pictures")
    send_fewer_or_smaller = Text("send fewer or smaller pictures")
    send_smaller = Text("send smaller pictures, or an ordinary zip or tar")
    send_pictures = Text("send pictures as they are, as PNG, JPEG, WebP, BMP, AVIF or HEIC")
    send_without_password = Text("send an archive without a password")
    pack_with_deflate = Text(
        "make the archive anew with the method Deflate (in 7-Zip: format zip, method Deflate), or send a tar"
    )
    make_anew = Text("make it anew, see that it opens on your machine, and send it again")
    repack = Text("make the archive anew from the folder of pictures, with an ordinary zip or tar program")
    follow_links = Text("make the archive anew with `tar --dereference`, which stores the files that links lead to")
    store_hard_links = Text(
        "make the archive anew with `tar --hard-dereference`, or as a zip; both store the content of such a file too"
    )
    store_whole = Text(
        "make the archive anew without tar's option `--sparse` (`-S`), on macOS and BSD with `--no-read-sparse`"
    )
    make_smaller = Text("make the picture smaller")
    unpack_first = Text("unpack it first, and send the pictures themselves")
    convert = Text(
        "convert such pictures to PNG or JPEG, or take them out, or send skip_damaged=true (command line: "
        "--skip-damaged) to leave them out"
    )
    look_for_damaged = Text("look for damaged pictures in it")
    shapes = Text(
        "put all pictures in one folder, or in one folder for each class, or in A/ and B/ (or trainA/ trainB/ testA/ "
        "testB/) for translation; train/ and test/ may stand around pictures or class folders"
    )
    at_least_in_all = Text("a data set needs at least {fewest} pictures, PNG, JPEG, WebP, BMP, AVIF or HEIC")
    at_least_whole = Text("a data set needs at least {fewest}")
    at_least_here = Text("put at least {fewest}")
    at_least_in_class = Text("put at least {fewest} in every class folder, or take this folder out")
    at_least_in_every = Text("put at least {fewest} in every folder")
    fill_or_remove = Text("put pictures in it, or take it out")
    give_both = Text("give both the same")
    shorten = Text("use at most {most} characters")
    fewer_classes = Text("use at most {most:,} class folders with short names; if they are no classes, use one folder")
    name_in_utf8 = Text("name them in letters of UTF-8")
    mend_it = Text("mend it or take it out, or send skip_damaged=true (command line: --skip-damaged) to leave it out")
    mend_them = Text(
        "mend them or take them out, or send skip_damaged=true (command line: --skip-damaged) to leave them out"
    )
    smaller_size = Text("choose a smaller size, or send fewer pictures")


class PictureNotes(Texts):
    """What was done to the pictures of an upload."""

    names_guessed = Text("names in the archive do not say their encoding; they were read as {code_page}")
    scaled_as_asked = Text("pictures were scaled and their middle cut out, to {side}x{side} pixels (as asked)")
    scaled = Text(
        "pictures were scaled and their middle cut out, to {side}x{side} pixels (since they were not all squares of "
        "one size; `size` chooses another)"
    )
    enlarged = Text("some pictures are smaller than {side} pixels and were enlarged")
    left_out = Text("{damaged:,} damaged left out: {names}")
    left_out_among = Text("{damaged:,} damaged left out: {names}, …")
    other_kinds_left_out = Text(
        "{count:,} file of a kind that is not read here was left out ({kinds}): {names}",
        "{count:,} files of kinds that are not read here were left out ({kinds}): {names}",
    )
    other_kinds_among = Text("{count:,} files of kinds that are not read here were left out ({kinds}): {names}, …")
    tests_joined = Text("the pictures of {folders} together are the test part")
    held_out = Text("every {nth}th picture of each class is kept apart as the test part")
    ignored = Text("{others:,} other files were left out: {names}")
    ignored_among = Text("{others:,} other files were left out: {names}, …")
    palette = Text(
        "{count:,} picture with a palette was turned to plain colours",
        "{count:,} pictures with a palette were turned to plain colours",
    )
    transparent = Text(
        "{count:,} picture with transparency was laid over white",
        "{count:,} pictures with transparency were laid over white",
    )
    deep = Text(
        "{count:,} picture of 16 bits a channel was reduced to 8",
        "{count:,} pictures of 16 bits a channel were reduced to 8",
    )
    cmyk = Text(
        "{count:,} picture in CMYK was turned to red, green and blue",
        "{count:,} pictures in CMYK were turned to red, green and blue",
    )
    turned = Text(
        "{count:,} picture was turned upright as their EXIF data say",
        "{count:,} pictures were turned upright as their EXIF data say",
    )
    animated = Text(
        "{count:,} picture is animated: its first frame was taken",
        "{count:,} pictures are animated: their first frame was taken",
    )
    other_mode = Text(
        "{count:,} picture of the kind {kind} was turned to plain colours",
        "{count:,} pictures of the kind {kind} were turned to plain colours",
    )
