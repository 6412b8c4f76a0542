// Tickets and candidates on a map, from <div data-map="JSON">. Marks are circles of the page's own colours, their words
// are text. Leaflet sets styles through the object model, which the content policy allows.

const draw = () => {
  const place = document.querySelector("[data-map]");
  const L = window.L;
  if (!place || !L) return;
  const { marks, tiles, chosen } = JSON.parse(place.dataset.map);
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const map = L.map(place, { attributionControl: true, zoomControl: true });
  map.attributionControl.setPrefix(false);
  L.tileLayer(tiles.url, { maxZoom: 18, attribution: tiles.credit.replace(/[<>&]/g, " ") }).addTo(map);
  const drawn = marks.map((mark) => {
    const colour = ink(mark.kind === "person" ? "--done" : mark.name === chosen ? "--late" : "--act");
    const circle = L.circleMarker(mark.at, { radius: mark.name === chosen ? 10 : 7, color: colour, fillOpacity: 0.6 });
    const words = document.createElement("span");
    words.textContent = `${mark.name} ${mark.words}`;
    return circle.bindTooltip(words).addTo(map);
  });
  if (drawn.length) map.fitBounds(L.featureGroup(drawn).getBounds().pad(0.2), { maxZoom: 11 });
  else map.setView([35, 105], 4);
  place.dataset.ready = String(drawn.length);
};

if (document.readyState === "complete") draw(); else addEventListener("load", draw);
