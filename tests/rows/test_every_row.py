"""Every row of the requirements, A1 to E8, and the test that shows it.

A row may have several: its own, small one, and those of the rooms that it needs.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
AMAZON, MISSING = "rows/test_rows_amazon.py::test_", "rows/test_rows_missing.py::test_"
METRIC, NETWORKS = "rows/test_rows_metric.py::test_", "rows/test_rows_metric_networks.py::test_"
CONFIG, SCORES = "rows/test_rows_metric_config.py::test_", "rows/test_rows_metric_scores.py::test_"
FAULTS = "rows/test_rows_metric_faults.py::test_"
MINING, SPECIES = "rows/test_rows_mining.py::test_", "rows/test_rows_species.py::test_"
LOOK = "rows/test_rows_look.py::test_"
EXPLORE_PAGE = "views/test_explore_page_chromium.py::test_"

ROWS: dict[str, tuple[str, ...]] = {
    "A1": (f"{AMAZON}a1_an_own_cnn_sees_what_colour_statistics_do_not",),
    "A2": (
        f"{AMAZON}a2_weights_of_a_larger_set_help_where_tiles_are_few",
        "learn/test_weights.py::test_default_weights_come_from_the_library_and_are_adapted",
        "learn/test_backbones.py::test_any_bands_and_tile_size_of_large_networks",  # EfficientNet-B0 … B7
    ),
    "A3": (
        f"{LOOK}a3_umap_in_two_and_three_dimensions_and_clusters_show_the_kinds",
        f"{LOOK}a3_hdbscan_needs_no_number_of_clusters",
        "exploration/test_projection.py::test_planted_groups_stay_together",
        f"{EXPLORE_PAGE}space_turns_and_what_is_near_is_drawn_last",
    ),
    "A4": (
        f"{LOOK}a4_lda_parts_classes_that_pca_does_not_show",
        "exploration/test_projection.py::test_discriminant_axes_are_scikit_learn_s",
        "exploration/test_projection.py::test_random_labels_with_many_features_are_called_noise",
    ),
    "A5": (
        f"{LOOK}a5_pictures_on_hover_and_in_the_plot_in_3d",
        f"{EXPLORE_PAGE}pointing_shows_the_tile_and_its_picture_in_both_views",
        "cli/test_explore_many.py::test_fifty_thousand_tiles",
    ),
    "A6": (f"{AMAZON}a6_a_threshold_for_each_class_finds_the_rare_ones",),
    "A7": (f"{AMAZON}a7_classes_that_exclude_each_other_share_a_softmax",),
    "A8": (f"{AMAZON}a8_tiles_of_which_little_is_known_count_less",),
    "A9": (f"{AMAZON}a9_weighted_bce_says_that_a_rare_class_is_there",),
    "A10": (f"{AMAZON}a10_soft_f1_says_that_a_rare_class_is_there",),
    "A11": (
        "scoring/test_averages.py::test_every_class_number_by_its_definition",
        "scoring/test_averages.py::test_kaggle_s_f2_by_hand",
        "scoring/test_multilabel.py::test_every_number_is_scikit_learn_s",
    ),
    "A12": (
        f"{LOOK}a12_haze_is_removed_contrast_enhanced_and_what_is_there_segmented",
        f"{MINING}d3_without_haze_nobody_is_misled_by_it",
        "steps/test_dehaze_real.py::test_a_veil_is_taken_away",
        "steps/test_dehaze_real.py::test_what_is_clear_is_left_alone",
        "tones/test_contrast.py::test_clahe_is_what_its_sources_write",
        "learn/explain/test_superpixels.py::test_pieces_end_where_something_else_begins",
        "cli/test_embed_segment.py::test_the_map_shows_the_classes_where_they_are",
    ),
    "A13": (
        f"{LOOK}a13_outliers_artefacts_and_the_least_alike_are_found",
        "exploration/test_neighbours.py::test_planted_outliers_rank_as_by_the_local_outlier_factor",
        "exploration/test_prototypes.py::test_the_least_alike_are_the_strays",
        "exploration/test_artefacts.py::test_planted_stripes_are_flagged",
        "cli/test_explore.py::test_what_was_planted_is_found",  # copies and leaks
    ),
    "A14": (
        "steps/test_tune.py::test_the_search_comes_near_the_best_recipe",
        "steps/test_tune.py::test_the_printed_command_trains_the_best_model_again",
    ),
    "A15": (
        "learn/test_ensemble.py::test_the_best_member_of_each_label_is_picked",
        "learn/test_ensemble.py::test_several_members_are_better_than_each",
    ),
    "A16": ("learn/test_ensemble.py::test_a_label_that_cannot_be_seen_is_told_by_its_company",),
    "A17": (f"{AMAZON}a17_slower_first_layers_keep_what_they_know_from_few_wrong_labels",),
    "A18": (f"{AMAZON}a18_trained_apart_the_sky_is_not_disturbed_by_labels_of_the_land",),
    "B1": (
        f"{METRIC}b1_places_are_drawn_anywhere_on_the_map",
        "tiling/test_ground.py::test_all_corners_of_all_rasters_are_equally_likely",
        "cli/test_tile_sampling.py::test_drawn_tiles_lie_on_valid_ground_and_are_said_how",
    ),
    "B2": (
        f"{METRIC}b2_clusters_are_drawn_as_random_reset_says",
        "tiling/test_ground.py::test_a_walk_stays_near_the_first_of_its_cluster",
        "cli/test_tile_sampling.py::test_clusters_lie_closer_than_tiles_at_random",
    ),
    "B3": (
        f"{METRIC}b3_what_is_hard_in_the_batch_teaches_more",
        "learn/metric/test_mining.py::test_what_is_hard_is_what_loops_say",
    ),
    "B4": (
        f"{METRIC}b4_what_is_hard_on_the_map_teaches_more",
        "learn/metric/test_offline.py::test_the_hardest_is_what_loops_say",
    ),
    "B5": (f"{NETWORKS}b5_resnext_and_vit_embed",),
    "B6": (
        f"{METRIC}b6_each_loss_teaches_classes",
        "learn/metric/test_losses.py::test_values_and_gradients_are_those_of_the_paper",
        "learn/metric/test_magnet_loss.py::test_each_example_costs_what_the_paper_says",
        f"{FAULTS}supervised_magnet_runs",
    ),
    "B7": (
        f"{METRIC}b7_rasters_of_osm_and_clc_supervise",
        f"{FAULTS}codes_of_labels_are_never_blended",
        f"{FAULTS}tiles_without_label_are_of_no_class",
    ),
    "B8": (
        f"{METRIC}b8_places_alone_teach_what_textures_there_are",
        f"{FAULTS}negatives_lie_no_nearer_and_no_farther_than_was_asked",
    ),
    "B9": (
        f"{SCORES}b9_accuracy_and_map_at_r",
        "scoring/test_retrieval.py::test_pytorch_metric_learning_s",
        f"{FAULTS}parts_share_no_pixel",
    ),
    "B10": (
        f"{SCORES}b10_summed_error_soft_map_at_r_and_gsil",
        "scoring/test_soft_retrieval.py::test_the_literal_transcription",
        "scoring/test_silhouette.py::test_the_definition",
        "scoring/test_score_shares.py::test_summed_error_by_hand",
    ),
    "B11": (
        f"{METRIC}b11_any_map_and_any_rectangle",
        "tiling/test_ground.py::test_tiles_touch_the_area_of_interest",
    ),
    "B12": (f"{METRIC}b12_tensorboard_shows_what_history_says",),
    "B13": (
        f"{LOOK}b13_umap_in_3d_with_pictures_from_embeddings",
        "cli/test_explore.py::test_an_embeddings_file_brings_its_features",
    ),
    "B14": (
        f"{SCORES}b14_every_classifier_reads_classes_and_shares",
        "learn/test_probes.py::test_labels_are_found",
        "learn/test_probes.py::test_shares_are_found_and_are_shares",
    ),
    "B15": (
        f"{CONFIG}b15_every_key_is_an_option_of_train",
        f"{CONFIG}b15_what_judges_are_options_of_evaluate_too",
        f"{CONFIG}b15_the_published_configurations_are_read",
        f"{FAULTS}norm_output_is_l2",
    ),
    "B16": (
        f"{NETWORKS}b16_miners_of_pytorch_metric_learning_teach",
        "learn/metric/test_library.py::test_every_miner_of_the_library_is_known_in_any_spelling",
    ),
    "B17": (
        f"{NETWORKS}b17_networks_of_the_library_embed_by_their_names",
        "learn/test_backbones.py::test_any_bands_and_tile_size",
    ),
    "B18": (f"{NETWORKS}b18_efficientnet_embeds",),
    "B19": (f"{NETWORKS}b19_deit_embeds",),
    "B20": (
        f"{SCORES}b20_an_embedder_segments",
        "cli/test_embed_segment.py::test_what_a_network_sees_tells_a_texture_that_no_colour_tells",
        "cli/test_embed_segment.py::test_the_map_shows_the_classes_where_they_are",
    ),
    "B21": (
        f"{SCORES}b21_more_results_come_by_one_command",
        "steps/embed/test_evaluate.py::test_the_folder_holds_all_repeats",
    ),
    "C1": (
        f"{MISSING}c1_rows_with_missing_labels_are_worth_keeping",
        "steps/test_chips.py::test_one_column_a_class_keeps_nan",
        "steps/test_chips.py::test_kaggle_form_with_missing_tags_and_places",
    ),
    "C2": (f"{MISSING}c2_rectangles_are_seen_whole",),
    "C3": (f"{MISSING}c3_turned_and_mirrored_tiles_teach_what_has_no_right_way_up",),
    "C4": (
        f"{MISSING}c4_what_is_filled_is_right_and_helps_a_little",
        "cli/test_training.py::test_filled_labels_stand_beside_the_others_and_three_ways_are_compared",
    ),
    "C5": (
        f"{MISSING}c5_added_layers_over_a_frozen_trunk_learn_from_few_tiles",
        "learn/test_weights.py::test_frozen_features_find_mines_better_than_mean_colours",
        "learn/test_backbones.py::test_vgg_is_timms_trunk_under_a_mean",
    ),
    "C6": (f"{MISSING}c6_a_minority_drawn_more_often_is_said_to_be_there",),
    "C7": (
        "scoring/test_averages.py::test_every_class_number_by_its_definition",
        "scoring/test_multilabel.py::test_by_hand",
        "scoring/test_curves.py::test_every_point_is_on_scikit_learn_s_curve",
    ),
    "C8": (
        f"{MISSING}c8_the_best_epoch_is_better_than_the_last",
        "learn/test_loop.py::test_noise_is_not_learned_and_the_loop_stops_early",
    ),
    "C9": ("learn/test_backbones.py::test_other_bands_and_rectangles",),  # MobileNet, EfficientNet, Xception …
    "C10": (
        f"{MISSING}c10_a_rate_that_rises_and_falls_may_be_higher_than_a_constant_one",
        "learn/test_optimisation.py::test_plateau_falls_when_nothing_gets_better_and_only_then",
        "learn/test_optimisation.py::test_cosine_rises_then_falls_to_nothing",
    ),
    "C11": (f"{AMAZON}a6_a_threshold_for_each_class_finds_the_rare_ones",),
    "C12": (
        "scoring/test_averages.py::test_both_meanings_of_hamming_score_differ",
        "scoring/test_multilabel.py::test_every_number_is_scikit_learn_s",
    ),
    "C13": ("scoring/test_averages.py::test_every_class_number_by_its_definition",),
    "C14": (
        f"{LOOK}c14_lime_points_at_what_the_class_is",
        "learn/explain/test_methods.py::test_lime_of_a_linear_model_is_the_sum_in_its_superpixels",
        "learn/explain/test_methods.py::test_lime_is_a_weighted_ridge_on_what_is_present",
        "learn/explain/test_pointing.py::test_explanations_point_at_the_mine_and_chance_does_not",
        "cli/test_explain_world.py::test_the_layer_points_at_the_mines",
    ),
    "C15": (
        f"{MISSING}c15_a_network_taught_by_focal_loss_is_less_sure_of_its_errors",
        f"{MISSING}c15_focal_loss_with_weights_says_that_a_rare_class_is_there",
    ),
    "D1": (f"{MINING}d1_kaggle_end_to_end",),
    "D2": (f"{AMAZON}a1_an_own_cnn_sees_what_colour_statistics_do_not",),
    "D3": (
        f"{MINING}d3_without_haze_nobody_is_misled_by_it",
        "learn/test_haze.py::test_it_is_what_the_papers_say",
        "learn/test_haze.py::test_planted_haze_is_removed_and_nothing_else",
        "learn/haze/test_region.py::test_it_is_the_haze_that_dehaze_removes",  # of whole rasters, without seams
    ),
    "D4": (
        f"{MINING}d4_weather_by_softmax_and_land_by_sigmoid_on_one_densenet",
        "learn/test_backbones.py::test_the_small_densenet_has_the_size_of_the_published_one",
    ),
    "D5": ("steps/test_compare.py::test_raw_against_dehazed_by_one_command",),
    "D6": (
        "steps/test_predict_tiles.py::test_probabilities_and_decisions_are_those_of_the_model",
        "steps/test_predict_tiles.py::test_chips_become_a_table_as_kaggle_wants_it",
    ),
    "D7": ("cli/test_whole_way.py::test_the_map_agrees_with_the_truth_and_keeps_nodata",),
    "E1": (f"{SPECIES}e1_a_set_that_came_badly_split_is_split_anew",),
    "E2": (f"{SPECIES}e2_balanced_draws_find_rare_species",),
    "E3": (f"{SPECIES}e3_one_column_a_class_says_what_tags_say_and_one_class_is_found",),
    "E4": (
        "learn/test_baselines.py::test_each_is_clearly_better_than_chance",
        "learn/test_baselines.py::test_trees_and_depth_are_what_was_asked_for",
    ),
    "E5": (
        f"{SPECIES}e5_weight_decay_narrows_the_gap_between_train_and_validation",
        f"{SPECIES}e5_dropout_narrows_the_gap_between_train_and_validation",
        "learn/test_backbones.py::test_dropout_is_what_was_asked_for",
    ),
    "E6": (f"{SPECIES}e6_the_rate_chosen_on_validation_tiles_is_the_right_one",),
    "E7": (f"{SPECIES}e7_frozen_then_fine_tuned_beats_starting_anew",),
    "E8": (
        f"{SPECIES}e8_what_was_learned_by_heart_shows_as_a_gap",
        "steps/test_evaluate.py::test_exclusive_groups_have_a_confusion_table",
    ),
}
LAST = {"A": 18, "B": 21, "C": 15, "D": 7, "E": 8}


def test_every_row_is_shown():
    assert {*ROWS} == {f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)}


@cache
def _tests_of(path: Path) -> frozenset[str]:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", ROWS)
def test_the_test_of_a_row_exists(row: str):
    for told in ROWS[row]:
        path, _, name = told.partition("::")
        assert name in _tests_of(TESTS / path), told
