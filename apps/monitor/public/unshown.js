// Says that this browser cannot show the page, where it cannot: written for browsers of any age, and
// a file of its own, since the server lets no script stand inside a page.
window.onload = function () {
  var root = document.getElementById('root');
  var sentence = document.getElementById('unshown');
  function look() {
    var isShown = root.firstChild !== null;
    sentence.style.display = isShown ? 'none' : 'block';
    if (!isShown) window.setTimeout(look, 1000);
  }
  window.setTimeout(look, 2000);
};
