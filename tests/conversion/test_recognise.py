"""Series are told by what they are called and by how they were measured, and derived ones are left alone."""

import pytest
from recontrast.conversion.recognise import Facts, defaults, recognise
from recontrast.conversion.settings import Rule

SE, GR, IR = frozenset({"SE"}), frozenset({"GR"}), frozenset({"SE", "IR"})
TIMES = {
    "T1w": dict(sequence=GR, acquisition="3D", tr=20.0, te=4.0, flip=25.0),
    "MPRAGE": dict(sequence=GR | {"IR"}, acquisition="3D", tr=2300.0, te=2.9, ti=900.0, flip=9.0),
    "T1SE": dict(sequence=SE, tr=600.0, te=10.0, flip=90.0),
    "T2w": dict(sequence=SE, tr=5000.0, te=100.0, flip=90.0),
    "PDw": dict(sequence=SE, tr=3000.0, te=15.0, flip=90.0),
    "FLAIR": dict(sequence=IR, tr=9000.0, te=124.0, ti=2472.0),
    "STIR": dict(sequence=IR, tr=5000.0, te=60.0, ti=160.0),
    "DIR": dict(sequence=IR, tr=11000.0, te=100.0, ti=558.0, inversions=2),
    "GRE": dict(sequence=GR, acquisition="2D", tr=700.0, te=20.0, flip=20.0),
    "DWI": dict(sequence=SE | {"EP"}, tr=8000.0, te=90.0, b=1000.0),
    "MDME": dict(sequence=SE, tr=4000.0, te=16.9, echoes=2, delays=4, delay=3),
    "dual PD": dict(sequence=SE, tr=3000.0, te=15.0, echoes=2),
    "dual T2": dict(sequence=SE, tr=3000.0, te=90.0, echoes=2),
}


@pytest.mark.parametrize(
    ("how", "suffix", "entities"),
    [
        *[("T1w", "T1w", ""), ("MPRAGE", "T1w", ""), ("T1SE", "T1w", "acq-se"), ("T2w", "T2w", "")],
        *[("PDw", "PDw", ""), ("FLAIR", "FLAIR", ""), ("STIR", "T2w", "acq-stir"), ("DIR", "T2w", "acq-dir")],
        *[("GRE", "T2starw", ""), ("DWI", "dwi", ""), ("MDME", "MESE", "acq-delay3")],
        *[("dual PD", "PDw", ""), ("dual T2", "T2w", "")],
    ],
)
def test_parameters_alone_tell_contrasts(how, suffix, entities):
    found = recognise(Facts(image_type="ORIGINAL/PRIMARY/M", **TIMES[how]), defaults())
    assert (found.use, found.suffix, found.entities) == (True, suffix, entities)


@pytest.mark.parametrize(
    ("description", "how", "suffix"),
    [
        *[("t2_space_dark-fluid_sag", "FLAIR", "FLAIR"), ("Sag CUBE T2 FLAIR", "T2w", "FLAIR")],
        *[("t1_mprage_sag_p2", "MPRAGE", "T1w"), ("Ax T2 FSE", "T2w", "T2w"), ("T2* hemo", "GRE", "T2starw")],
        *[("3D_DIR_brain", "FLAIR", "T2w"), ("ep2d_diff_mddw_30", "DWI", "dwi")],
    ],
)
def test_vendors_names(description, how, suffix):
    assert recognise(Facts(description=description, **TIMES[how]), defaults()).suffix == suffix


@pytest.mark.parametrize(
    ("description", "image_type"),
    [
        *[("3-plane loc", "ORIGINAL/PRIMARY/OTHER"), ("AAHead_Scout", "ORIGINAL/PRIMARY/M")],
        *[
            ("ep2d_diff_ADC", "DERIVED/PRIMARY/DIFFUSION/ADC"),
            ("ep2d_diff_FA", "DERIVED/PRIMARY/DIFFUSION/FA"),
        ],
        *[("ep2d_diff_TRACEW", "DERIVED/PRIMARY/DIFFUSION/TRACEW"), ("t1 mpr cor", "DERIVED/SECONDARY/MPR")],
        *[("SUB T1 Gd", "DERIVED/PRIMARY/SUB"), ("Dif ADC map", "DERIVED/PRIMARY/M")],
        *[("ep2d_diff_TENSOR_B0", "DERIVED/PRIMARY/DIFFUSION/TENSOR_B0"), ("x", "DERIVED/PRIMARY/OTHER")],
        *[("Apparent Diffusion Coefficient", "ORIGINAL/PRIMARY/OTHER"), ("dti_FA", "ORIGINAL/PRIMARY")],
        *[("ep2d_diff", "ORIGINAL/PRIMARY/DIFFUSION/NONE/MOCO"), ("dti_MoCo", "ORIGINAL/PRIMARY/M")],
    ],
)
def test_derived_images_and_localisers_are_named_and_left(description, image_type):
    named = {"description": description, "series": description, "image_type": image_type}
    found = recognise(Facts(**named, **TIMES["DWI"]), defaults())
    assert not found.use
    assert "is not converted" in found.why


@pytest.mark.parametrize(
    ("description", "how"),
    [
        *[
            ("TOF_3D_multi-slab", "T1w"),
            ("tof_fl3d_tra_p2", "T1w"),
            ("s3DI_MC_HR", "T1w"),
            ("PC_3D_sag", "T1w"),
        ],
        *[("VFA_fl3d_5deg", "T1w"), ("mt_on_fl3d", "T1w"), ("T1w_MPR_vNav_setter", "MPRAGE")],
        *[("DTI_64_AP_SBRef", "DWI"), ("t1_vibe_dce", "T1w"), ("Ax 3DI_mc", "T1w"), ("Sag FIESTA-C", "T1w")],
        *[("sBFFE", "T1w"), ("trufi_loc_sag", "T1w"), ("t1_vibe_dixon_F", "T1w"), ("FAT: Ax T2", "T2w")],
        *[("t1_vibe_dixon_tra_opp", "T1w"), ("OutPhase: Ax T1", "T1w")],
    ],
)
def test_what_only_looks_like_a_contrast_is_left(description, how):
    assert not recognise(Facts(description=description, series=description, **TIMES[how]), defaults()).use


@pytest.mark.parametrize(
    ("series", "protocol", "how", "suffix"),
    [
        *[("Ax DWI ASSET", "", "DWI", "dwi"), ("Sag T1 BRAVO", "brain survey", "MPRAGE", "T1w")],
        ("T1w_MPR_vNav", "", "MPRAGE", "T1w"),
    ],
)
def test_no_word_beside_the_contrast_takes_it_away(series, protocol, how, suffix):
    found = recognise(Facts(description=f"{series} {protocol}", series=series, **TIMES[how]), defaults())
    assert (found.use, found.suffix) == (True, suffix)


def test_isotropic_voxels_make_no_map():
    named = {"description": "t1_mprage_sag_isotropic", "image_type": "DERIVED/PRIMARY/M/NORM"}
    assert recognise(Facts(**named, **TIMES["MPRAGE"]), defaults()).suffix == "T1w"
    named["description"] = "Isotropic image"
    assert not recognise(Facts(**named, **TIMES["DWI"] | {"b": None}), defaults()).use


@pytest.mark.parametrize(
    ("description", "image_type", "entities"),
    [
        *[("ep2d_diff_b0_PA", "ORIGINAL/PRIMARY/M", "dir-PA"), ("x", "ORIGINAL/PRIMARY/DIFFUSION", "")],
        ("DTI_rev_b0_ap", "ORIGINAL/PRIMARY/M_SE/M/SE", "dir-AP"),
    ],
)
def test_a_diffusion_series_without_weighting_is_for_distortion_correction(description, image_type, entities):
    measured = TIMES["DWI"] | {"b": 0.0}
    found = recognise(
        Facts(description=description, series=description, image_type=image_type, **measured), defaults()
    )
    assert (found.datatype, found.suffix, found.entities) == ("fmap", "epi", entities)


@pytest.mark.parametrize(
    ("series", "found"),
    [("a_tof", 1), ("tof3d", 1), ("TOF-2", 1), ("3tof", 1), ("stof", 0), ("tofu", 0)],
)
def test_underscores_and_digits_bound_a_word(series, found):
    own = Rule(name="angio", series=r"\btof\b", suffix="angio")
    assert (recognise(Facts(series=series), (own,)).suffix == "angio") == found


def test_a_phase_encoding_direction_is_no_double_inversion():
    measured = {"sequence": SE | {"EP"}, "tr": 8000.0, "te": 60.0}
    assert recognise(Facts(description="SE_EPI_dir-AP", **measured), defaults()).entities != "acq-dir"


def test_a_rule_whose_images_no_job_could_make_is_refused():
    for wrong in ({"datatype": "dwi", "suffix": "sbref"}, {"suffix": "bold", "entities": "tracer-x"}):
        with pytest.raises(ValueError, match=r"sbref|tracer"):
            Rule(name="mine", **wrong)


def test_unknown_contrast_agent_part_and_own_rules():
    assert recognise(Facts(description="something"), defaults()).why == "no rule knows it"
    facts = Facts(agent=True, part="phase", **TIMES["T1w"])
    assert recognise(facts, defaults()).entities == "ce-agent_part-phase"
    own = Rule(name="ours", description="^xyz", suffix="PDw", entities="acq-own")
    assert recognise(Facts(description="XYZ 1", **TIMES["T1w"]), (own, *defaults())).entities == "acq-own"


@pytest.mark.parametrize(
    ("series", "how", "name"),
    [
        *[("t1_mprage_sag_p2_ND", "MPRAGE", "rec-nd_T1w"), ("t1_mprage_sag_p2", "MPRAGE", "T1w")],
        *[("ORIG Ax T2 FLAIR", "FLAIR", "rec-orig_FLAIR"), ("Original idea T1", "T1w", "T1w")],
        *[("Ax T1 FSE +C", "T1SE", "acq-se_ce-agent_T1w"), ("t1_mprage post GD", "MPRAGE", "ce-agent_T1w")],
        *[
            ("T1 POST CONTRAST_ND", "MPRAGE", "ce-agent_rec-nd_T1w"),
            ("T2 FLAIR post", "FLAIR", "ce-agent_FLAIR"),
        ],
        *[
            ("T1 nach KM", "T1w", "ce-agent_T1w"),
            ("T1 pre contrast", "T1w", "T1w"),
            ("T1 w/o Gd", "T1w", "T1w"),
        ],
        *[
            ("T1 posterior fossa", "T1w", "T1w"),
            ("T1 post-op", "T1w", "T1w"),
            ("T1 non-contrast", "T1w", "T1w"),
        ],
        *[("t2_tirm_tra_dark-fluid", "FLAIR", "FLAIR"), ("t1_vibe_dixon_tra_W", "T1w", "rec-water_T1w")],
        *[("t1_tirm_dark_fluid", "T1SE", "acq-flair_T1w"), ("InPhase: Ax T1", "T1w", "rec-inphase_T1w")],
        *[
            ("t1_mp2rage_sag_INV1", "MPRAGE", "inv-1_MP2RAGE"),
            ("t1_mp2rage_sag_INV2", "MPRAGE", "inv-2_MP2RAGE"),
        ],
        *[
            ("t1_mp2rage_UNI_Images", "MPRAGE", "UNIT1"),
            ("t1_mp2rage_UNI-DEN", "MPRAGE", "rec-denoised_UNIT1"),
        ],
    ],
)
def test_second_images_of_a_contrast_are_told_from_the_first(series, how, name):
    facts = Facts(
        description=f"{series} t1_mp2rage_sag" if "mp2" in series else series, series=series, **TIMES[how]
    )
    found = recognise(facts, defaults())
    assert found.use
    assert "_".join(part for part in (found.entities, found.suffix) if part) == name


def test_the_name_of_a_whole_examination_adds_nothing_and_own_rules_may():
    facts = Facts(description="Ax T1 BRAIN W CONTRAST", series="Ax T1", **TIMES["T1w"])
    assert recognise(facts, defaults()).entities == ""
    own = Rule(name="at 7 T", description="brain", entities="acq-7T")
    found = recognise(facts, (own, *defaults()))
    assert (found.suffix, found.entities, found.why) == ("T1w", "acq-7T", "T1, at 7 T")


def test_the_t1_map_of_mp2rage_is_left():
    facts = Facts(description="t1_mp2rage_T1_Images", series="t1_mp2rage_T1_Images", **TIMES["MPRAGE"])
    assert not recognise(facts, defaults()).use
