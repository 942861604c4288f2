"""The page of a served model: a photo is dropped, its classes appear. Nothing from elsewhere."""

import json
from html import escape

from official.export import serving
from preprocessing import checks

_SHOWN = 5
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 720px; margin: 2em auto;
  padding: 0 1em; }
h1 { font-size: 1.5em; margin: 0; overflow-wrap: anywhere; } .grey { color: #666; }
label { display: block; margin: 1.2em 0; padding: 2.2em 1em; border: 2px dashed #999;
  border-radius: 8px; text-align: center; cursor: pointer; }
label.over, label:focus-within { border-color: #06c; background: #eef5ff; }
input { position: absolute; opacity: 0; width: 1px; }
figure { display: flex; gap: 1em; margin: 1em 0; align-items: flex-start; flex-wrap: wrap; }
img { width: 220px; max-height: 220px; object-fit: contain; background: #f4f4f4; }
figcaption { flex: 1; min-width: 240px; overflow-wrap: anywhere; }
.row { display: flex; justify-content: space-between; gap: .5em; }
.row span + span { white-space: nowrap; }
.bar { height: 6px; background: #06c; border-radius: 3px; margin-bottom: .4em; }
.bad { color: #b22222; }
pre { background: #f4f4f4; padding: .7em; white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_SCRIPT = """
const facts = JSON.parse(document.getElementById("facts").textContent);
const zone = document.getElementById("zone"), list = document.getElementById("answers");
function line(parent, name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}
function encoded(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}
async function classified(file) {
  const figure = document.createElement("figure"), picture = new Image();
  const caption = document.createElement("figcaption");
  picture.src = URL.createObjectURL(file);
  picture.alt = "";
  picture.onload = () => URL.revokeObjectURL(picture.src);
  figure.append(picture, caption);
  list.prepend(figure);
  line(caption, "div", file.name).className = "grey";
  try {
    const body = {instances: [{b64: await encoded(file)}]};
    for (let more = 1; more < facts.batch; more++) body.instances.push({b64: ""});
    const answer = await fetch(facts.address, {method: "POST", body: JSON.stringify(body)});
    const found = JSON.parse(await answer.text());
    if (!answer.ok) throw new Error(found.error);
    shown(caption, found.predictions[0]);
  } catch (error) {
    line(caption, "div", "No answer: " + error.message).className = "bad";
  }
}
function shown(caption, one) {
  if (one.status) {
    line(caption, "div", "Refused: " + facts.status[one.status]).className = "bad";
    return;
  }
  if (!one.probabilities) {
    line(caption, "pre", "embedding: " + JSON.stringify(one.embedding));
    return;
  }
  one.probabilities.map((share, label) => [share, label]).sort((a, b) => b[0] - a[0])
    .slice(0, facts.shown).forEach(([share, label]) => {
      const row = line(caption, "div", "");
      row.className = "row";
      line(row, "span", facts.names[label]);
      line(row, "span", (100 * share).toFixed(2) + " %");
      const bar = line(caption, "div", "");
      bar.className = "bar";
      bar.style.width = Math.max(100 * share, 0.5) + "%";
    });
}
async function all(files) { for (const file of files) await classified(file); }
document.getElementById("choose").addEventListener("change", event => {
  all([...event.target.files]);
  event.target.value = "";
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, event => {
    event.preventDefault();
    zone.classList.toggle("over", name === "dragover");
    if (name === "drop") all([...event.dataTransfer.files]);
  });
}
"""


def html(served: serving.Served, name: str) -> str:
    """Returns the page of a model that is called `name` in addresses."""
    address = f"/v1/models/{name}:predict"
    facts = {
        "address": address,
        "names": served.class_names,
        "status": {str(status): text for status, text in checks.MEANINGS.items()},
        "shown": _SHOWN,
        "batch": served.options.export_batch_size or 1,
    }
    # No `</script>` may stand inside.
    data = json.dumps(facts).replace("<", "\\u003c")
    about = f"{served.description['checkpoint']}, {len(served.class_names)} classes"
    formats = {"webp": "WebP", "any": "JPEG, PNG, WebP or BMP"}
    takes = formats.get(served.options.export_decoder_type, "JPEG or PNG")
    takes += f", up to {served.options.export_max_megapixels:g} megapixels"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}'
        '</title>\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{escape(name)}</h1>\n"
        f'<div class="grey">{escape(about)}</div>\n'
        '<label id="zone">Drop photos here, or click to choose some\n'
        f'<div class="grey">{escape(takes)}; sent to this server only</div>\n'
        '<input id="choose" type="file" multiple accept="image/*"></label>\n'
        '<div id="answers" aria-live="polite"></div>\n'
        f'<script id="facts" type="application/json">{data}</script>\n'
        f"<script>{_SCRIPT}</script>\n</body></html>\n"
    )
