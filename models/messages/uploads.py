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
    too_many_members_claimed = Text("the archive has more than {count:,} members, or claims to")
    too_much = Text("more than {size} GiB come out of the archive")
    a_bomb = Text("the archive unpacks to more than {ratio} times its size, which real pictures do not")
    archive_damaged = Text("the archive is cut off or damaged ({error})")
    compressed_other = Text("compressed with {how}, but it contains no tar")
    tar_end_missing = Text("the end is missing")
    tar_checksum = Text("a header has a wrong checksum")
    tar_number = Text("a header has {value} where a number has to be")
    tar_size = Text("a header claims a member of {size:,} bytes")
    tar_extra_too_large = Text("a header of a long name or of attributes has {size:,} bytes, and may have {limit:,}")
    tar_extras = Text("{limit} headers of long names or attributes follow each other without a member")
    tar_record = Text("a header of attributes is not readable at: {start}")
    too_much_memory = Text("reading the archive takes more than {size} MB of memory")
    too_long = Text("reading the archive takes too long")
    reader_failed = Text("the archive contains something unreadable ({error})")
    reader_ended = Text("reading the archive crashed the reader (signal {signal})")
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
    other_picture = Text("is a picture in an unsupported format ({suffix})")
    no_pixels = Text("has no pixels")
    damaged_picture = Text("is damaged: {error}")
    too_many_pixels = Text("has more than {count} million pixels")
    no_picture_format = Text("is not a PNG, JPEG, WebP, BMP, AVIF or HEIC picture")
    library_missing = Text("is in a format that needs the package {library}, which this server does not have")
    too_many_of_kind = Text("has more than {count} million pixels, the most for {kind}")
    too_long_side = Text("has a side of more than {count:,} pixels")
    takes_too_much_memory = Text("takes more than {size} MB of memory to read")
    takes_too_long = Text("takes too long to read")
    ends_the_reader = Text("crashes the program that reads it (signal {signal})")
    packed_by_another_method = Text("is compressed with {method}, which is not supported")
    empty_member = Text("is empty")


class PictureKinds(Texts):
    """Pictures that may have fewer pixels than others."""

    webp_or_avif = Text("a WebP, AVIF or HEIC picture")
    four_channels = Text("a picture with transparency or in CMYK")


class FolderFaults(Texts):
    """What is wrong with the folders of an archive."""

    pictures_in_all = Text("there is only {count} picture", "there are only {count} pictures")
    no_picture_in_all = Text("there are no pictures")
    pictures_beside_folders = Text("some pictures are beside folders, others inside them (such as {example}/)")
    no_pair = Text("the folders {found} are not a pair of domains")
    holds_few = Text("{folder}/ contains only {count} picture", "{folder}/ contains only {count} pictures")
    holds_none = Text("{folder}/ contains no pictures")
    pictures_beside_classes = Text("some pictures are in class folders, others beside them")
    class_lacking = Text("{folder}/ has a class that {train}/ does not have: {name}")
    class_holds_few = Text(
        "class folder {folder}/ contains only {count} picture",
        "class folder {folder}/ contains only {count} pictures",
    )
    class_holds_none = Text("class folder {folder}/ contains no pictures")
    long_class_name = Text("class name {name} is too long")
    too_many_classes = Text("{classes:,} class folders are too many, or their names too long")
    unreadable_names = Text("class folders have unreadable names")
    too_many_folders = Text("the archive has more than {count:,} folders")
    too_deep = Text("{folder}/ is one folder too deep")
    damaged_pictures = Text("{count:,} unreadable picture", "{count:,} unreadable pictures")
    other_kinds = Text(
        "{count:,} file in an unsupported format ({kinds})",
        "{count:,} files in unsupported formats ({kinds})",
    )
    few_are_whole = Text("only {whole} pictures are readable")
    few_of_class_are_whole = Text("too few pictures of {name} are readable")


class Remedies(Texts):
    """What to change about an upload."""

    send_an_archive = Text("send a zip, a tar, or a tar packed with gzip, bzip2 or xz")
    send_fewer = Text("send fewer pictures")
    send_fewer_or_smaller = Text("send fewer or smaller pictures")
    send_smaller = Text("send smaller pictures, or an ordinary zip or tar")
    send_pictures = Text("send pictures as they are, as PNG, JPEG, WebP, BMP, AVIF or HEIC")
    send_without_password = Text("send an archive without a password")
    pack_with_deflate = Text(
        "create the archive again with the method Deflate (in 7-Zip: format zip, method Deflate), or send a tar"
    )
    make_anew = Text("create it again, check that it opens on your machine, and send it again")
    repack = Text("create the archive again from the folder of pictures, with an ordinary zip or tar program")
    follow_links = Text("create the archive again with `tar --dereference`, which stores the files that links point to")
    store_hard_links = Text(
        "create the archive again with `tar --hard-dereference`, or as a zip; both store the content of such a file too"
    )
    store_whole = Text(
        "create the archive again without tar's option `--sparse` (`-S`), on macOS and BSD with `--no-read-sparse`"
    )
    make_smaller = Text("make the picture smaller")
    unpack_first = Text("unpack it first, and send the pictures themselves")
    convert = Text(
        "convert such pictures to PNG or JPEG, or remove them, or send skip_damaged=true (command line: "
        "--skip-damaged) to leave them out"
    )
    look_for_damaged = Text("look for damaged pictures in it")
    shapes = Text(
        "put all pictures in one folder, or in one folder for each class, or in A/ and B/ (or trainA/ trainB/ testA/ "
        "testB/) for translation; train/ and test/ may enclose pictures or class folders"
    )
    at_least_in_all = Text("a data set needs at least {fewest} pictures, PNG, JPEG, WebP, BMP, AVIF or HEIC")
    at_least_whole = Text("a data set needs at least {fewest}")
    at_least_here = Text("put at least {fewest}")
    at_least_in_class = Text("put at least {fewest} in every class folder, or remove this folder")
    at_least_in_every = Text("put at least {fewest} in every folder")
    fill_or_remove = Text("put pictures in it, or remove it")
    give_both = Text("give both the same")
    shorten = Text("use at most {most} characters")
    fewer_classes = Text("use at most {most:,} class folders with short names; if they are not classes, use one folder")
    name_in_utf8 = Text("name them in UTF-8")
    mend_it = Text("remove it, or send skip_damaged=true (command line: --skip-damaged) to leave it out")
    mend_them = Text("remove them, or send skip_damaged=true (command line: --skip-damaged) to leave them out")
    smaller_size = Text("choose a smaller size, or send fewer pictures")


class PictureNotes(Texts):
    """What was done to the pictures of an upload."""

    names_guessed = Text("names in the archive do not declare their encoding; they were read as {code_page}")
    scaled_as_asked = Text("pictures were scaled and center-cropped to {side}x{side} pixels (as requested)")
    scaled = Text(
        "pictures were scaled and center-cropped to {side}x{side} pixels (because they were not all squares of one "
        "size; `size` chooses another)"
    )
    enlarged = Text("some pictures are smaller than {side} pixels and were enlarged")
    left_out = Text("{damaged:,} unreadable skipped: {names}")
    left_out_among = Text("{damaged:,} unreadable skipped: {names}, …")
    other_kinds_left_out = Text(
        "{count:,} file in an unsupported format skipped ({kinds}): {names}",
        "{count:,} files in unsupported formats skipped ({kinds}): {names}",
    )
    other_kinds_among = Text("{count:,} files in unsupported formats skipped ({kinds}): {names}, …")
    tests_joined = Text("the pictures of {folders} together are the test part")
    held_out = Text("every {nth}th picture of each class is held out as the test part")
    ignored = Text("{others:,} other files skipped: {names}")
    ignored_among = Text("{others:,} other files skipped: {names}, …")
    palette = Text(
        "{count:,} picture with a palette was converted to RGB or grey",
        "{count:,} pictures with a palette were converted to RGB or grey",
    )
    transparent = Text(
        "{count:,} picture with transparency was placed on white",
        "{count:,} pictures with transparency were placed on white",
    )
    deep = Text(
        "{count:,} picture with 16 bits per channel was reduced to 8",
        "{count:,} pictures with 16 bits per channel were reduced to 8",
    )
    cmyk = Text("{count:,} picture in CMYK was converted to RGB", "{count:,} pictures in CMYK were converted to RGB")
    turned = Text(
        "{count:,} picture was rotated upright as its EXIF data says",
        "{count:,} pictures were rotated upright as their EXIF data says",
    )
    animated = Text(
        "{count:,} picture is animated: its first frame was used",
        "{count:,} pictures are animated: their first frames were used",
    )
    other_mode = Text(
        "{count:,} picture of mode {kind} was converted to RGB or grey",
        "{count:,} pictures of mode {kind} were converted to RGB or grey",
    )
