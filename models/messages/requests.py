"""Why a request is refused: at the door, while it is read, and field by field."""

from __future__ import annotations

from models.messages.base import Text, Texts


class Door(Texts):
    """Keys, sessions, roles and rates."""

    too_many_requests = Text("this key may make {limit} requests a second")
    needs_admin = Text("administrators only; your key is a {role}'s")
    viewers_read_only = Text("a viewer's key is read-only; ask an admin for a user's key")
    too_many_wrong_keys = Text("too many wrong keys from this address")
    too_many_guests = Text("too many requests for shared pages from this address; try again shortly")
    key_unknown = Text("invalid or revoked access key")
    session_ended = Text("your session has ended; sign in again")
    other_site = Text("this request was sent from another site")
    needs_csrf_token = Text("a change within a session needs the page's token in {header}")
    send_a_key = Text("send your key as `Authorization: Bearer gf_…`")


class ServiceFaults(Texts):
    """What the service itself cannot do now."""

    internal_error = Text("something went wrong; the server log has it under this request_id")
    does_not_answer = Text("{part} does not answer; try again shortly")
    not_ready = Text("not ready: {parts}")
    nothing_here = Text("there is nothing at this address; see /docs for the API")
    address_takes = Text("this address accepts {allowed}")
    too_many_streams = Text("this process has {limit} open streams, its limit; try again shortly")
    too_many_streams_of_key = Text("this key has {limit} open streams, its limit; close some and try again shortly")
    no_room = Text("the service has no room on its disk for this upload; try again later, or tell its operator")
    reserve_reached = Text(
        "the service has no room on its disk for this upload: {free} are free, {promised} of them promised to other "
        "uploads, and {reserve} stay free for the database and the jobs; try again later, or have space freed "
        "or GANFORGE_DISK_RESERVE_BYTES lowered"
    )
    own_share_reached = Text(
        "your uploads under way and this one take {needed} of the service's disk, and one owner's uploads may take "
        "{limit} of the {room} that are free for uploads; send fewer or smaller pictures, or try again when others "
        "have ended"
    )
    uploads_under_way = Text("other uploads are in progress; try again shortly")
    all_uploads_under_way = Text(
        "{limit} uploads are in progress, the most the service accepts at once; try again shortly, or have "
        "GANFORGE_MAX_UPLOADS raised"
    )
    own_uploads_under_way = Text(
        "{limit} of your uploads are in progress, the most an owner may have at once; try again when one has "
        "finished, or have GANFORGE_MAX_OWNER_UPLOADS raised"
    )
    upload_too_late = Text(
        "the upload did not arrive within {seconds:,} s (GANFORGE_UPLOAD_DEADLINE_S); send fewer or smaller pictures, "
        "or use a faster connection"
    )


class ServerFaults(Texts):
    """What the HTTP server refuses before the application reads a request."""

    line_too_long = Text("the request line has more than {limit:,} bytes; ask with fewer or shorter filters")
    line_unreadable = Text("the request line is not METHOD /path HTTP/1.1, with one space between the parts")
    headers_too_large = Text("the headers have more than {limit:,} bytes together; send fewer or shorter ones")
    too_many_headers = Text("the request has more than {limit} headers; send fewer")
    header_unreadable = Text("header {number} is not Name: value on one line; a name has no space in it")
    header_given_twice = Text("the header {name} must be given once")
    headers_cut_off = Text("the request broke off within its headers")
    only_chunked = Text("Transfer-Encoding must be chunked, once, in HTTP/1.1; or send Content-Length instead")
    length_beside_chunks = Text("give either Content-Length or Transfer-Encoding, not both")
    length_unreadable = Text("Content-Length must be one number of up to 18 digits")
    chunks_unreadable = Text("the chunks of the body cannot be read: a length in hexadecimal digits must precede each")
    too_slow = Text("the request did not arrive in time: its sender may pause for {seconds:g} seconds in all")
    too_many_connections = Text("your address has {limit} open connections, its limit; close some and try again")
    too_many_new_connections = Text(
        "your address begins more than {limit} connections a second, its limit; keep them open and send more on each"
    )
    crashed_outside = Text("something went wrong")


class BodyFaults(Texts):
    """BodyFaults and forms that cannot be read."""

    body_too_large = Text("a JSON body may have 1 MB at most")
    not_json_type = Text("the body must have Content-Type: application/json, not {type}")
    no_type = Text("the body must have Content-Type: application/json, and it has none")
    not_utf8 = Text("the body is not UTF-8")
    too_deeply_nested = Text("the body is nested deeper than {levels} levels")
    too_many_values = Text("the objects and lists of the body hold more than {limit:,} values together; send fewer")
    not_json = Text("the body is not JSON: {error}")
    not_a_number_in_json = Text("{name} is not a number in JSON")
    field_named_twice = Text("an object names a field twice")
    not_a_form = Text("the body must have Content-Type: multipart/form-data, with a boundary")
    form_unreadable = Text("the form cannot be read: {error}")
    form_without_end = Text(
        "the form cannot be read: {limit:,} bytes came without the boundary or the empty line that has to follow"
    )
    too_many_parts = Text("the form has more than {limit} parts; send each field once, and one file")
    part_without_name = Text("a part of the form has no name in its Content-Disposition")
    form_cut_off = Text("the connection broke off in the middle of the form")
    upload_cut_off = Text("the connection broke off before the upload was packed")
    upload_too_large = Text(
        "an upload may have {limit:,} bytes at most; send fewer or smaller pictures, or have GANFORGE_MAX_UPLOAD_BYTES "
        "raised"
    )


class FieldFaults(Texts):
    """What is wrong with a field, whatever it is called."""

    fields_invalid = Text("1 field is not valid", "{count} fields are not valid")
    required = Text("is required")
    at_least = Text("must be at least {ge}")
    greater = Text("must be greater than {gt}")
    at_most = Text("must be at most {le}")
    less = Text("must be less than {lt}")
    too_many_characters = Text("must have at most {max_length} characters")
    longer_than = Text("has more than {max_length} characters")
    too_many_bytes = Text("has more than {limit:,} bytes")
    text_not_utf8 = Text("is not UTF-8: send it in this encoding")
    too_few_characters = Text("must have at least {min_length} characters")
    too_many_entries = Text("must have at most {max_length} entries")
    too_few_entries = Text("must have at least {min_length} entries")
    not_a_choice = Text("must be one of {expected}")
    not_a_kind = Text("must be one of {expected_tags}")
    not_an_integer = Text("must be an integer")
    beyond_64_bits = Text("must be an integer of at most 64 bits")
    not_a_number = Text("must be a number")
    not_finite = Text("must be a finite number")
    too_many_bits = Text("must be a number of at most {bits} bits")
    not_a_switch = Text("must be true or false")
    not_text = Text("must be text")
    not_a_list = Text("must be a list")
    not_an_object = Text("must be an object")
    no_match = Text("must match {pattern}")
    not_a_time = Text("must be a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z")
    not_a_time_in_a_query = Text("must be a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z (write + as %2B)")
    must_not_be_empty = Text("must not be empty")
    must_not_be_blank = Text("must not be blank")
    unknown_field = Text("is not known here")
    unknown_field_known = Text("is not known here (known: {known})")
    unknown_field_close_known = Text("is not known here; did you mean {close}? (known: {known})")
    nul_character = Text("contains a NUL character")
    control_character = Text("contains a control character")
    half_a_surrogate = Text("contains half of a surrogate pair")
    field_name = Text("has a field whose name {problem}")
    given_twice = Text("must be given once")
    not_a_file = Text("must be a file, with a filename, not text")
    not_the_file = Text("must not be a file: only `file` is one")


class RequestFaults(Texts):
    """What is wrong with a field of a certain request."""

    idempotency_key_length = Text("must have 1 to 255 characters")
    other_cursor = Text("is not a cursor of this list with these filters and this caller; start without one")
    line_of_a_log = Text("must be the id of an event of this log, such as `1:200`")
    search_of_a_stream = Text("leave `search` out of a stream, or ask for text or JSON")
    event_of_this_job = Text("must be the id of an event of this job")
    too_many_to_compare = Text("names {count} jobs; at most {most} can be compared")
    no_such_column = Text(
        "there is no such column; choose one of {fields}, or params.NAME, last.METRIC, evaluation.FIGURE, label:NAME"
    )
    key_of_others = Text("must be {owner}, your own; an admin creates keys of other owners")
    key_role_beyond = Text("must not exceed your own role, {role}; an admin creates other keys")
    no_groups_by = Text(
        "jobs cannot be grouped by this; choose none, seeds, one of {fields}, or params.NAME, label:NAME"
    )
    no_such_result = Text("this is not a result; choose one of {fields}, or last.METRIC, evaluation.FIGURE")
    last_event = Text("the last event of this job is {seq}")
    only_reprioritize = Text("is for `reprioritize` only")
    from_after_to = Text("must be before `to`")
    needs_priority = Text("is required to reprioritize")
    no_such_bytes = Text("the file has {size:,} bytes, and the range begins after them")
    spaces_at_ends = Text("must not begin or end with spaces")
    name_with_character = Text("must not contain {character}, which is invisible or changes the text beside it")
    label_separator = Text("must not contain {separator}, which separates name and text in filters (`name:text`)")
    name_with_slash = Text("must not contain a slash, because names appear in addresses")
    name_like_an_id = Text("must not look like the id of a data set")

    choose_a_recipe = Text("there is no such recipe; choose one of {recipes}")
    choose_a_dataset = Text("there is no such data set; choose one of {datasets}")
    dataset_not_ready = Text("this data set is {state}, not ready")
    choose_a_preset = Text("{recipe} has no such preset; choose one of {presets}, or leave it out")
    no_presets = Text("{recipe} has no such preset; it has none: leave it out")
    choose_an_output = Text("{recipe} can't make this; choose one of {outputs}")
    no_generator = Text("{recipe} can't make this; it has no generator to sample from")
    only_translate = Text("only `translate` takes a data set; leave it out")
    other_channels = Text("its images have {has} channel(s), the job learned from images with {wanted} channel(s)")
    choose_a_queue = Text("{recipe} can't run there; choose one of {queues}")
    needs_memory = Text(
        "needs at least {needs} GB of memory; the largest device that can run it has {capacity} GB for a job: lower "
        "`width` or `image_size`"
    )
    needs_memory_batch = Text(
        "needs at least {needs} GB of memory; the largest device that can run it has {capacity} GB for a job: {batch}"
        " may fit"
    )
    job_trashed = Text("is in the trash; restore it first, or name another job")
    only_in_trash = Text("must be true or left out: `{action}` is about jobs in the trash")
    not_in_trash = Text("must be false or left out: only `restore` and `purge` are about jobs in the trash")
    sampling_job = Text("is a sampling job, which has no weights; name a training job")
    evaluation_job = Text("is an evaluation, which has no weights; name a training job")
    translator_not_evaluated = Text(
        "{recipe} translates pictures, and only generators from noise are evaluated; to judge its translations, upload "
        "them as a data set and evaluate that"
    )
    classifier_not_evaluated = Text("{recipe} generates no images to evaluate; name a job of one of {recipes}")
    name_a_reference = Text("is required with a data set as source: name the data set of real images to compare with")
    trained_on_deleted = Text(
        "the data set that this job was trained on was deleted; name another one with the same kind of images"
    )
    too_few_images = Text(
        "has {has} images, and an evaluation needs {least} at least; add more, or name another data set"
    )
    domains_not_compared = Text("has two domains for translation; name a data set with one set of images")
    channels_to_judge = Text(
        "its images have {has} channel(s), the images to judge {wanted} channel(s); name a data set with {wanted}"
    )
    figures_of_one_extractor = Text(
        "these jobs were measured with different extractors ({first}, {second}), so their figures cannot be compared: "
        "filter by `dataset=` or `extractor=`"
    )
    not_a_checkpoint_of_it = Text("is not a checkpoint of this job; use best, latest or the id of one")
    no_checkpoint_yet = Text("this job has no checkpoint yet")

    retry_from_zero = Text("this job has no checkpoint; leave it out to start from scratch")
    best_latest_or_id = Text("must be best, latest or the id of a checkpoint")
    evaluation_judges = Text("an evaluation judges the checkpoint it was made with; leave it out, or make another job")
    sampling_draws = Text(
        "a sampling job draws from the checkpoint it was made with; leave it out, or make another job"
    )
    held_by_checkpoint = Text(
        "must stay {old} to match the checkpoint, and {new} was sent; leave it out, or start from scratch (without "
        "`checkpoint`)"
    )
    images_done = Text(
        "{done:,} images are done already at this checkpoint; set more than that, or start from scratch (no checkpoint)"
    )
    epochs_done = Text(
        "{count:,} epoch is done already at this checkpoint; set more than that, or start from scratch (no checkpoint)",
        "{count:,} epochs are done already at this checkpoint; set more than that, or start from scratch "
        "(no checkpoint)",
    )
    epoch_reached = Text("the checkpoint is of epoch {reached} already; ask for more, or start from scratch")


class ParameterFaults(Texts):
    """ParameterFaults that do not go together, or do not fit the data set."""

    one_cadence = Text('give exactly one of "steps", "epochs" or "seconds"')
    one_source = Text("give exactly one of `job` and `dataset`: the images to judge")
    checkpoint_of_a_job = Text("a data set has no checkpoints; leave it out, or name a `job` instead of a `dataset`")
    one_budget = Text("give exactly one of `epochs` and `images`")
    patience_needs_monitor = Text("`patience` needs a `monitor` to watch; set `monitor` too")
    no_smoothing_auto_encoder = Text("`label_smoothing` must be 0 here: an auto-encoder has no labels to smooth")
    no_smoothing_pairs = Text("`label_smoothing` must be 0 here: images are judged in pairs, without labels")
    no_smoothing_critic = Text("`label_smoothing` must be 0 here: a critic gives scores and has no labels to smooth")
    ema_start_needs_half_life = Text(
        "`ema_half_life_start` needs `ema_half_life`, the half-life to move to; set both or neither"
    )
    max_width_below_width = Text("`max_width` must be at least {width}, the `width`; raise it, or lower `width`")
    one_step_to_share = Text(
        "both networks share their images only where the discriminator takes one step; leave it out, or set `{name}`"
        " to 1"
    )
    train_split_only = Text("`split` must be train here: the accuracy is measured on the test images")

    needs_classes = Text("needs images with at least two classes; this data set has none")
    needs_one_domain = Text("needs images of one domain; this data set has two, to translate between them")
    needs_domains = Text("needs two domains (folders A and B), or classes to make them of; this data set has neither")
    paints_from_noise = Text("generates from noise; this data set has two domains for translation: use {recipes}")
    other_sizes = Text("must be {sizes} pixels for this recipe")
    needs_squares = Text(
        "needs square images of {sizes} pixels; this data set has {height}x{width} (height x width): set `image_size`"
        " to {size} to scale and crop them"
    )
    smaller_domain = Text("must be at most {least}, the number of images in the smaller domain")
    needs_test_images = Text("needs at least {kept} images, because every {kept}th is kept for testing")
    training_images = Text("must be at most {count}, the number of training images; or use a larger data set")

    sizes_range = Text("{first} to {last}")
    sizes_steps = Text("{first} to {last} in steps of {step}")
    square_images = Text("square, {sizes} pixels")


class Titles(Texts):
    """Titles of problems, by the code of the problem."""

    title_malformed = Text("Unreadable request")
    title_unauthenticated = Text("No valid access key")
    title_forbidden = Text("Not allowed with this key")
    title_not_found = Text("Not found")
    title_method_not_allowed = Text("Method not allowed")
    title_timeout = Text("Request timed out")
    title_uri_too_long = Text("Address too long")
    title_headers_too_large = Text("Headers too large")
    title_conflict = Text("Not possible in the current state")
    title_too_large = Text("Request too large")
    title_unsupported_media = Text("Unsupported content type")
    title_range_not_satisfiable = Text("No such bytes")
    title_validation = Text("Request is not valid")
    title_rate_limited = Text("Too many requests")
    title_internal = Text("Internal error")
    title_unavailable = Text("Service unavailable")
