// Draws the plots of a report from the JSON beside it. Without a network, and
// without anything but uPlot.
(function () {
	'use strict';

	const data = JSON.parse(document.getElementById('data').textContent);
	for (const list of ['bands', 'outages', 'markers']) data[list] = data[list] || [];
	const narrow = () => window.innerWidth < 600;
	const style = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
	const drawn = []; // {plot, chart, log}

	function clock(seconds) {
		const s = Math.round(seconds), pad = (n) => String(n).padStart(2, '0');
		const sign = s < 0 ? '-' : '', t = Math.abs(s);
		const h = Math.floor(t / 3600), m = Math.floor(t / 60) % 60;
		return sign + (h > 0 ? h + ':' + pad(m) : m) + ':' + pad(t % 60);
	}

	function digits(v) {
		return v >= 100 ? v.toFixed(0) : v >= 10 ? +v.toFixed(1) + '' : +v.toPrecision(3) + '';
	}

	function value(v, unit) {
		if (v == null) return '–';
		if (v === 0) return '0';
		if (unit === 'ms') {
			if (v >= 60000) return digits(v / 60000) + ' min';
			if (v >= 1000) return digits(v / 1000) + ' s';
			if (v < 1) return digits(v * 1000) + ' µs';
			return digits(v) + ' ms';
		}
		let n = digits(v);
		if (v >= 1e6) n = digits(v / 1e6) + ' M';
		else if (v >= 1e4) n = digits(v / 1e3) + ' k';
		return unit.endsWith('/s') ? n + '/s' : unit === 'records' || unit === '' ? n : n + ' ' + unit;
	}

	// 1/(1-percentile) as the percentile: 1000 is 99.9 %.
	function percentile(x) {
		return +(100 * (1 - 1 / x)).toFixed(Math.max(0, Math.ceil(Math.log10(x)) - 1)) + ' %';
	}

	function isPower(x, of) {
		const e = Math.log(x) / Math.log(of);
		return Math.abs(e - Math.round(e)) < 1e-6;
	}

	// A value without neighbours has no line: it gets a dot.
	function lonely(u, i, show, gaps) {
		if (show) return null;
		const y = u.data[i], dots = [];
		const [from, to] = u.series[i].idxs;
		for (let k = from; k <= to; k++) {
			if (y[k] != null && y[k - 1] == null && y[k + 1] == null) dots.push(k);
		}
		return dots.length > 0 ? dots : null;
	}

	// Phases lie under everything; their names stand above.
	function bands(u) {
		const { left, top, width, height } = u.bbox, c = u.ctx;
		c.save();
		data.bands.forEach((b, i) => {
			const from = Math.max(u.valToPos(b.from, 'x', true), left);
			const to = Math.min(u.valToPos(b.to, 'x', true), left + width);
			if (to <= from) return;
			c.fillStyle = style(i % 2 ? 'band-odd' : 'band-even');
			c.fillRect(from, top, to - from, height);
			c.font = 11 * devicePixelRatio + 'px system-ui, sans-serif';
			c.fillStyle = style('muted');
			c.textAlign = 'left';
			c.textBaseline = 'bottom';
			const room = to - from - 8 * devicePixelRatio;
			let text = b.name;
			if (c.measureText(text).width > room) {
				while (text !== '' && c.measureText(text + '…').width > room) text = text.slice(0, -1);
				if (text.length < 2) return;
				text += '…';
			}
			c.fillText(text, from + 4 * devicePixelRatio, top - 2 * devicePixelRatio);
		});
		data.outages.forEach((o) => {
			const from = Math.max(u.valToPos(o.from, 'x', true), left);
			const to = Math.min(u.valToPos(o.to, 'x', true), left + width);
			c.fillStyle = style('outage');
			if (to > from) c.fillRect(from, top, to - from, height);
		});
		c.restore();
	}

	const markerColour = (m) => style(m.kind === 'fault' ? 'fault' : m.kind === 'restore' ? 'restore' : 'muted');

	// Flags need room. Where there is none they are ticks above the plot, faults in
	// the upper half and all else in the lower, so that neither hides the other;
	// zoomed in they are flags again.
	function crowded(u) {
		const { left, width } = u.bbox;
		const at = data.markers.map((m) => u.valToPos(m.at, 'x', true)).filter((x) => x >= left && x <= left + width).sort((a, b) => a - b);
		return at.some((x, i) => i > 0 && x - at[i - 1] < 11 * devicePixelRatio);
	}

	// tickBox is where a marker's tick is.
	function tickBox(u, m) {
		const px = devicePixelRatio, x = Math.round(u.valToPos(m.at, 'x', true)), w = Math.max(2, Math.round(2 * px)), h = Math.round(7 * px);
		return { x: x - Math.floor(w / 2), y: Math.round(u.bbox.top) - (m.kind === 'fault' ? 2 : 1) * h, w, h };
	}

	// Markers lie over everything, numbered as in the list.
	function markers(u) {
		const { left, top, width, height } = u.bbox, c = u.ctx, px = devicePixelRatio, dense = crowded(u);
		c.save();
		data.markers.forEach((m, i) => {
			const x = Math.round(u.valToPos(m.at, 'x', true)) + 0.5;
			if (x < left || x > left + width) return;
			c.strokeStyle = c.fillStyle = markerColour(m);
			if (dense) {
				const t = tickBox(u, m);
				c.fillRect(t.x, t.y, t.w, t.h);
				return;
			}
			c.lineWidth = 1.5 * px;
			c.setLineDash(m.kind === 'fault' ? [] : [5 * px, 4 * px]);
			c.beginPath();
			c.moveTo(x, top);
			c.lineTo(x, top + height);
			c.stroke();
			const r = 7.5 * px;
			c.setLineDash([]);
			c.beginPath();
			if (m.kind === 'fault') c.rect(x - r, top - 2 * r, 2 * r, 2 * r);
			else c.arc(x, top - r, r, 0, 2 * Math.PI);
			c.fill();
			c.fillStyle = style('on-marker');
			c.font = 'bold ' + 10 * px + 'px system-ui, sans-serif';
			c.textAlign = 'center';
			c.textBaseline = 'middle';
			c.fillText(String(i + 1), x, top - r + 0.5 * px);
		});
		c.restore();
	}

	function series(l, unit) {
		const colour = style(l.colour);
		const s = {
			label: l.label, stroke: colour, width: 1.6, value: (u, v) => value(v, unit),
			points: { filter: lonely, size: 4, fill: colour },
		};
		if (l.role === 'background') s.width = 6;
		if (l.role === 'dashed') s.dash = [6, 4];
		return s;
	}

	function options(p, log, width) {
		const time = p.kind === 'time';
		const axis = { stroke: style('muted'), grid: { stroke: style('grid'), width: 1 }, ticks: { show: false }, size: 34, font: '12px system-ui, sans-serif' };
		const y = log
			? { distr: 3, log: 10 }
			: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] };
		return {
			width, height: narrow() ? 220 : p.half ? 200 : 260,
			padding: [time ? 20 : 10, time ? 12 : 24, 0, 4],
			scales: { x: time ? { time: false } : { time: false, distr: 3, log: 10 }, y },
			cursor: {
				y: false,
				sync: time ? { key: 'time', scales: ['x', null] } : undefined,
				points: { size: 7 },
			},
			legend: { live: !narrow(), markers: { width: 0, fill: (u, i) => (i > 0 ? style(p.lines[i - 1].colour) : 'transparent') } },
			axes: [
				Object.assign({}, axis, time
					? { values: (u, splits) => splits.map(clock), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400] }
					: { values: (u, splits) => splits.map((x) => (x != null && isPower(x, 10) ? percentile(x) : '')), grid: Object.assign({ filter: (u, splits) => splits.map((x) => (isPower(x, 10) ? x : null)) }, axis.grid) }),
				Object.assign({}, axis, {
					size: 62,
					values: (u, splits) => splits.map((v) => (v == null ? '' : value(v, p.unit))),
				}, log ? { filter: (u, splits) => splits.map((v) => (isPower(v, 10) || splits.length < 12 ? v : null)) } : {}),
			],
			series: [{ label: time ? 'at' : 'percentile', value: (u, x) => (x == null ? '–' : time ? clock(x) : percentile(x)) }]
				.concat(p.lines.map((l) => series(l, p.unit))),
			hooks: time ? { drawClear: [bands], draw: [markers] } : {},
		};
	}

	// draw makes the chart, or makes it anew with what was zoomed and hidden.
	function draw(d) {
		const box = document.getElementById('plot-' + d.plot.id), before = d.chart;
		d.width = box.clientWidth;
		const o = options(d.plot, d.log, d.width);
		if (before) before.series.forEach((s, i) => { if (i > 0) o.series[i].show = s.show; });
		d.chart = new uPlot(o, [d.plot.x].concat(d.plot.lines.map((l) => l.values)), box);
		if (before) {
			const { min, max } = before.scales.x;
			d.chart.setScale('x', { min, max });
			before.destroy();
		}
	}

	const drawAll = () => drawn.forEach(draw);

	data.plots.forEach((plot) => {
		const d = { plot, log: !!plot.log };
		drawn.push(d);
		draw(d);
		const choice = document.getElementById('log-' + plot.id);
		if (choice) {
			choice.addEventListener('change', () => { d.log = choice.checked; draw(d); });
		}
	});

	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
	addEventListener('resize', () => drawn.forEach((d) => {
		if (document.getElementById('plot-' + d.plot.id).clientWidth !== d.width) draw(d);
	}));

	// What a test looks at: opened as FILE.html#check, the page counts the pixels
	// of each line in its own colour, and again after every scale was switched.
	function check() {
		return drawn.map((d) => {
			const c = d.chart.ctx, box = d.chart.bbox, px = devicePixelRatio;
			// A marker's flag stands above the plot, at its time: the share of it that
			// has the colour of its kind. Where two are close one hides the other.
			const flags = d.plot.kind !== 'time' ? [] : data.markers.map((m) => {
				const r = Math.round(5 * px), x = Math.round(d.chart.valToPos(m.at, 'x', true)), y = Math.round(box.top - 7.5 * px);
				const area = crowded(d.chart) ? tickBox(d.chart, m) : { x: x - r, y: y - r, w: 2 * r, h: 2 * r };
				c.fillStyle = markerColour(m);
				const w = [1, 3, 5].map((at) => parseInt(c.fillStyle.slice(at, at + 2), 16));
				const flag = c.getImageData(area.x, area.y, area.w, area.h).data;
				let n = 0;
				for (let i = 0; i < flag.length; i += 4) {
					if (flag[i + 3] > 128 && Math.abs(flag[i] - w[0]) + Math.abs(flag[i + 1] - w[1]) + Math.abs(flag[i + 2] - w[2]) < 30) n++;
				}
				return n / (area.w * area.h);
			});
			const pixels = c.getImageData(box.left, box.top, box.width, box.height).data;
			const wanted = d.plot.lines.map((l) => {
				c.fillStyle = style(l.colour);
				return [1, 3, 5].map((at) => parseInt(c.fillStyle.slice(at, at + 2), 16));
			});
			const lines = wanted.map(() => 0);
			for (let i = 0; i < pixels.length; i += 4) {
				if (pixels[i + 3] < 128) continue; // the shade of a phase, a line of the grid
				wanted.forEach((w, k) => {
					if (Math.abs(pixels[i] - w[0]) + Math.abs(pixels[i + 1] - w[1]) + Math.abs(pixels[i + 2] - w[2]) < 30) lines[k]++;
				});
			}
			return { id: d.plot.id, log: d.log, flags, lines: d.plot.lines.map((l, k) => ({ label: l.label, painted: lines[k] })) };
		});
	}
	// A chart is put on its canvas after the script that made it.
	const later = (f) => setTimeout(f, 20);
	if (location.hash === '#check') {
		later(() => {
			const first = check();
			document.querySelectorAll('.plot-head input').forEach((choice) => choice.click());
			later(() => { document.documentElement.dataset.drawn = JSON.stringify(first.concat(check())); });
		});
	}
})();
