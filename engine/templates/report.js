(function () {
  const data = JSON.parse(document.getElementById("pointer").textContent);
  const plots = Array.from(document.querySelectorAll(".plot"));
  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const share = (value) => (value === null ? "–" : (100 * value).toFixed(1).replace("-0.0", "0.0").replace("-", "−") + " %");
  const money = (value) => (value === null ? "–" : whole.format(value));
  const form = { equity: money, all: money, spy: money, drawdown: share, long: share, short: share };

  function nearest(at) {
    let low = 0, high = data.at.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.at[middle] < at) low = middle + 1; else high = middle;
    }
    return low > 0 && at - data.at[low - 1] < data.at[low] - at ? low - 1 : low;
  }

  function write(i) {
    for (const place of document.querySelectorAll("[data-read]")) {
      const name = place.dataset.read;
      place.textContent = name === "bar" ? data.bar[i] : form[name](data[name][i]);
    }
  }

  function show(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const i = nearest((event.clientX - box.left) / box.width);
    for (const plot of plots) {
      plot.style.setProperty("--at", 100 * data.at[i] + "%");
      plot.classList.add("read");
    }
    write(i);
  }

  function hide() {
    for (const plot of plots) plot.classList.remove("read");
    write(data.at.length - 1);
  }

  for (const plot of plots) {
    plot.addEventListener("pointermove", show);
    plot.addEventListener("pointerdown", show);
    plot.addEventListener("pointerleave", hide);
  }
})();
