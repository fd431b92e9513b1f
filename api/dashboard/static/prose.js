// Texts of the service as nodes.

/** Return a text as nodes, with `names` as code. */
export function prose(text) {
  return text.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    const code = document.createElement("code");
    code.append(part);
    return code;
  });
}
