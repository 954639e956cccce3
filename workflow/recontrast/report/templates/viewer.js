// One canvas for all images: the viewer is given another mosaic, the cross stays where it is.
addEventListener("load", () => {
  const settings = {{ settings | safe }};
  const view = brainsprite({
    ...settings, canvas: "brain", sprite: "image-0", radiological: true, flagCoordinates: true,
    crosshair: true, colorCrosshair: "#7a8ca3", sizeFont: 0.05,
  });
  const show = () => {
    const chosen = (name) => document.querySelector(`input[name=${name}]:checked`)?.value ?? "";
    view.sprite = document.getElementById(`image-${chosen("image")}`);
    const top = chosen("top");
    view.overlay = top === "" ? undefined : { sprite: document.getElementById(`top-${top}`), opacity: {{ opacity }} };
    view.init();
    view.drawAll();
  };
  for (const choice of document.querySelectorAll("fieldset input")) choice.addEventListener("change", show);
  // A browser that goes back keeps what was chosen.
  show();
});
