"""explore and explain."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

BENCHMARKS = (
    Benchmark(
        "explore",
        "Explore",
        ("explore.py", "--made-up", "--across", "64", "--repeats", "1"),
        300,
        "`geolabel explore` on 4,096 made-up tiles of 64 px × 4 bands, six projections, by colour and texture. "
        "Asked for "
        "is a page of 40 MB at the most for 50,000 tiles: .8 MB a thousand.",
        (
            Claim(
                "4,096 tiles, MB of page for 1,000 tiles", "megabytes of the page for a thousand tiles", "", at_most=0.8
            ),
            Claim("4,096 tiles, peak MB", "peak memory", "MB"),
            Claim("4,096 tiles, s", "all of it", "s"),
        ),
    ),
    Benchmark(
        "explore-found",
        "Explore",
        ("explore_found.py", "--held-out"),
        200,
        "What `explore` finds on images at which no threshold was chosen (NAIP, Landsat over Pará and Pucallpa; "
        "turns are "
        "images): of 500 tiles each a copy is planted; tiles are spoilt.",
        (
            Claim("the same bytes", "copies: the same bytes", "%"),
            Claim("noise, a fifth of the spread", "copies with noise of a fifth of the spread", "%"),
            Claim("another light", "copies in another light", "%"),
            Claim("turned and mirrored", "copies turned and mirrored", "%"),
            Claim("three pixels aside", "copies three pixels aside: these are none to `explore`", "%"),
            Claim("stripes", "stripes as large as what neighbours differ by", "%"),
            Claim("wrong, striped", "real tiles called striped", "%"),
        ),
        ("naip", "para-landsat", "pucallpa-landsat"),
    ),
    Benchmark(
        "explain",
        "Explanations",
        (
            "explain.py",
            "world",
            "--epochs",
            "4",
            "--asked",
            "8",
            "--methods",
            "integrated-gradients,grad-cam,occlusion",
        ),
        400,
        "`small-cnn` learns two made-up worlds in tiles of 64 px (is there a mine?), four times over, and is asked "
        "about a third: 8 detections; the most relevant pixel must lie in a mine or within 2 px. *Passes the check*: "
        "removing what is most relevant lowers the answer clearly faster than the same map moved at random.",
        (
            *(
                Claim(f"{way}, points at the mine", f"`{way}` points at the mine", "", at_least=0.8)
                for way in ("integrated-gradients", "grad-cam", "occlusion")
            ),
            Claim("noise, points at the mine", "a map of smooth noise does", ""),
            Claim("integrated-gradients, passes the check", "`integrated-gradients` passes the check", "%"),
            Claim("noise, passes the check", "a map of smooth noise does", "%"),
        ),
    ),
)
