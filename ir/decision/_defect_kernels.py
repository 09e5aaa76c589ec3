"""Sums over the pixels of each defect, and the blend of its two estimates; regions are independent of one another."""

from __future__ import annotations

import numpy as np
from numba import prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel

GAMMA = np.float32(2.2)
# Half the distance over which edges of defects are compared, pixels: the lens spreads them over about three.
CHANGE_PX = 2
# What infrared tells of a pixel: a density that darkens it, nothing, or that a scratch took its dye away.
DARKENED, UNKNOWN, BARE = 0, 1, 2
# Part of white noise's variance that remains after smoothing by 1 4 6 4 1 along rows and columns.
SMOOTHED_NOISE = 0.0748
# Part of white noise's variance that this smoothing removes.
SMOOTHED_AWAY = 0.7935


@parallel_kernel
def sample_pixels(rgb, rows, cols, display, relative_noise, weights, fill, error, raw, noise, ratio, ratio_variance):
    """Write display value, noise, fill error (into error[:, :3]) and density in the picture of each defect pixel.

    density = 2.2 ln(fill / value); its squared error = 2.2^2 / (value * max(value, fill)) * fill error + (weights[3] *
    dark noise)^2.
    display, relative_noise: (3, 65536) for each count; weights: of the fill's spread, its doubt, grain, and dark noise.
    A pixel without a fill keeps its own value.
    """
    for index in prange(rows.shape[0]):
        doubt = weights[1] * error[index, 3] + weights[2]
        filled = fill[index, 0] >= 0
        for channel in range(3):
            counts = rgb[rows[index], cols[index], channel]
            value = display[channel, counts]
            dark = relative_noise[channel, counts]
            if not filled:
                fill[index, channel] = value
                error[index, channel] = np.float32(0)
            variance = weights[0] * error[index, channel] + doubt
            raw[index, channel] = value
            noise[index, channel] = dark
            error[index, channel] = variance
            ratio[index, channel] = GAMMA * np.log(fill[index, channel] / value)
            # The logarithm is unsure by the fill's brightness, less than by a dark defect's own: the middle of both.
            brightness = value * max(value, fill[index, channel])
            ratio_variance[index, channel] = GAMMA**2 / brightness * variance + (weights[3] * dark) ** 2


@inner_kernel
def _without_stray(density, stray, opaque):
    through = (np.exp(-density) - stray) / (np.float32(1) - stray)
    return -np.log(max(through, opaque))


@parallel_kernel
def shape_pixels(starts, density, noise, stray, sharpness, gain, opaque, shape, lift):
    """Write the corrected infrared density of each pixel, and what is left of the noise in each region.

    Stray light is subtracted, the detail that the focus lost is restored, and the leakage's share is returned by
    `gain`. Of what smoothing removes, a region keeps the part that is not noise (Wiener): kept = (square - noise) /
    square.
    """
    for region in prange(starts.shape[0] - 1):
        square = 0.0
        for index in range(starts[region], starts[region + 1]):
            square += (density[index, 0] - density[index, 1]) ** 2
        expected_noise = noise**2 * SMOOTHED_AWAY * (starts[region + 1] - starts[region])
        kept = max(square - expected_noise, 0.0) / (square + expected_noise * 1e-3 + 1e-12)
        for index in range(starts[region], starts[region + 1]):
            denoised = density[index, 1] + np.float32(kept) * (density[index, 0] - density[index, 1])
            plain = _without_stray(denoised, stray, opaque)
            value = plain
            for scale in range(2):
                if sharpness[scale] > 0:
                    value += sharpness[scale] * (plain - _without_stray(density[index, scale + 1], stray, opaque))
            shape[index] = gain * max(value, np.float32(0))
        lift[region] = gain * (1 + sharpness[0] + sharpness[1]) * np.sqrt(kept**2 + (1 - kept**2) * SMOOTHED_NOISE)


@parallel_kernel
def mark_bright(ratio, variance, sure, bright):
    """Mark the pixels that are brighter than their fill in a colour, by `sure` deviations, and darker in none."""
    for index in prange(bright.shape[0]):
        least, most = _extremes(ratio, variance, index)
        bright[index] = least < -sure and most <= 1


@inner_kernel
def _extremes(ratio, variance, index):
    """Return the least and the greatest deviation of a pixel's three channels from their fill, 0 among them."""
    least, most = np.float32(0), np.float32(0)
    for channel in range(3):
        deviations = ratio[index, channel] / np.sqrt(variance[index, channel])
        least, most = min(least, deviations), max(most, deviations)
    return least, most


@parallel_kernel
def sum_slopes(starts, shape, ratio, variance, left_out, usual_misfit, sums):
    """Sum for each region: weighted powers and products of the three channels, and the power of its density.

    sums: (regions, 7): sum(w x^2) and sum(w x y) for each channel, and sum(x^2), with x the infrared density, y the
    fill's, and w = 1 / (variance + usual_misfit^2 x^2).
    """
    for region in prange(starts.shape[0] - 1):
        for column in range(7):
            sums[region, column] = 0.0
        for index in range(starts[region], starts[region + 1]):
            if left_out[index]:
                continue
            square = np.float64(shape[index]) ** 2
            sums[region, 6] += square
            for channel in range(3):
                weight = 1.0 / (variance[index, channel] + usual_misfit**2 * square + 1e-4)
                sums[region, channel] += weight * square
                sums[region, 3 + channel] += weight * shape[index] * ratio[index, channel]


@parallel_kernel
def sum_changes(starts, rows, cols, rgb, tables, values, sums):
    """Sum for each region the changes of infrared and picture over four pixels, along rows and columns.

    sums: (regions, 8): squares of the infrared density's changes; their products with the changes of the picture's
    densities, and the squares of these, for three colours each; and the number of changes.
    """
    height, width = values.shape
    for region in prange(starts.shape[0] - 1):
        for column in range(8):
            sums[region, column] = 0.0
        for index in range(starts[region], starts[region + 1]):
            row, col = rows[index], cols[index]
            for axis in range(2):
                down, across = (0, CHANGE_PX) if axis == 0 else (CHANGE_PX, 0)
                row_0, row_1 = max(row - down, 0), min(row + down, height - 1)
                col_0, col_1 = max(col - across, 0), min(col + across, width - 1)
                change = (np.float64(values[row_0, col_0]) - np.float64(values[row_1, col_1])) / 4096.0
                sums[region, 0] += change * change
                for channel in range(3):
                    table = tables[channel]
                    picture_change = np.float64(table[rgb[row_0, col_0, channel]] - table[rgb[row_1, col_1, channel]])
                    sums[region, 1 + channel] += change * picture_change
                    sums[region, 4 + channel] += picture_change * picture_change
                sums[region, 7] += 1.0


@parallel_kernel
def sum_checks(starts, shape, ratio, variance, left_out, exponents, sums):
    """Sum for each region how well the fitted exponents explain it.

    sums: (regions, 3): squared misfit beyond the fill's error, power of the model, and that error.
    """
    for region in prange(starts.shape[0] - 1):
        for column in range(3):
            sums[region, column] = 0.0
        for index in range(starts[region], starts[region + 1]):
            if left_out[index]:
                continue
            beyond = power = error = 0.0
            for channel in range(3):
                modelled = exponents[region, channel] * shape[index]
                beyond += (ratio[index, channel] - modelled) ** 2 - variance[index, channel]
                power += modelled**2
                error += variance[index, channel]
            sums[region, 0] += beyond / 3
            sums[region, 1] += power / 3
            sums[region, 2] += error / 3


@inner_kernel
def _dividing_error(own, noise, depth, misfit, full_light):
    """Return the squared error of dividing by a density, as a part of the light: of the relation, and of the noise."""
    # Noise that clean film shows as well is no error of dividing; its amplification is.
    transmittance = np.exp(-max(depth, 0.0))
    shot = full_light / (transmittance * own**GAMMA + np.float32(1e-6))
    lift = np.sqrt(noise**2 + shot) * (1.0 - transmittance)
    return (misfit * depth) ** 2 + lift**2


@inner_kernel
def _usual_brightness(raw, shape, exponents, region, first, last):
    """Return the mean divided display value of a region in each channel."""
    usual = np.zeros(3)
    for index in range(first, last):
        for channel in range(3):
            usual[channel] += raw[index, channel] * np.exp(exponents[region, channel] * shape[index] / GAMMA)
    return usual / (last - first)


@parallel_kernel
def blend_regions(starts, shape, density, samples, fitted, constants, told, value, filled, shares):
    """Weight dividing and filling by their expected errors, and write the blended display values.

    w = variance of the fill / (variance of the fill + error of dividing); value = w * divided + (1 - w) * fill.
    samples: raw, fill, fill variance and noise, each (pixels, 3). fitted: exponents (regions, 3), misfit (regions,),
    factor on the fills' variance (regions,), noise of the density (regions,), and whether a region is brighter than its
    surroundings (regions,). constants: stray light, noise of the density before smoothing, the exponent that nothing
    exceeds, the part of the density's detail that may lie elsewhere in the picture, and the variance of full light as a
    part of its square. told: (pixels,) of uint8, what infrared tells of a pixel (`DARKENED`, `UNKNOWN`, `BARE`).
    filled: (pixels,) filled part. shares: (regions,) divided part.
    """
    raw, fill, fill_variance, noise = samples
    exponents, misfit, rough, deviations, bright = fitted
    for region in prange(starts.shape[0] - 1):
        weights = 0.0
        first, last = starts[region], starts[region + 1]
        usual = _usual_brightness(raw, shape, exponents, region, first, last)
        for index in range(first, last):
            signal = max(1.0 - constants[0] * np.exp(max(density[index, 0], np.float32(0))), 0.05)
            divided_part = 0.0
            darkened = not bright[region] and told[index] != BARE
            for channel in range(3):
                own, filling = raw[index, channel], fill[index, channel]
                exponent = exponents[region, channel]
                depth = exponent * shape[index]
                divided = own * np.exp(depth / GAMMA)
                error = _dividing_error(own, noise[index, channel], depth, misfit[region], constants[4])
                error += (exponent * deviations[region] / signal) ** 2
                error += (exponent * constants[3] * (density[index, 0] - density[index, 1])) ** 2
                # Relative errors count at the brightness that is expected: noise that made a pixel black does not make
                # it sure.
                error *= (max(divided, min(filling, usual[channel])) / GAMMA) ** 2
                variance = rough[region] * fill_variance[index, channel]
                if darkened:
                    # Dust darkens: a fill that is darker than it is wrong by the difference at least.
                    variance += (filling * np.log(min(filling / own, 1.0))) ** 2
                # On a scratch without dye what is darker than the fill is dust: dividing would darken it further.
                is_filled = told[index] != DARKENED or (bright[region] and filling > own)
                weight = 0.0 if is_filled else variance / (variance + error)
                blended = weight * divided + (1.0 - weight) * filling
                if darkened:
                    blended = max(blended, own)
                    if told[index] == DARKENED:
                        # No defect takes more light than its density allows: a darker value is the picture's own.
                        blended = min(blended, own * np.exp(constants[2] * (shape[index] + 2.0 * constants[1]) / GAMMA))
                value[index, channel] = blended
                divided_part += weight / 3
            filled[index] = 1.0 - divided_part
            weights += divided_part
        shares[region] = weights / (last - first)


@parallel_kernel
def write_regions(starts, rows, cols, chosen, raw, value, levels, smallest, healed, mask):
    """Write the counts of the chosen regions where a value changes by more than `smallest`, as a part of the light.

    levels: (3, 3), black, span and bend of each colour.
    """
    for region in prange(starts.shape[0] - 1):
        if not chosen[region]:
            continue
        for index in range(starts[region], starts[region + 1]):
            changed = False
            for channel in range(3):
                changed |= abs(value[index, channel] / raw[index, channel] - np.float32(1)) * GAMMA > smallest
            if not changed:
                continue
            mask[rows[index], cols[index]] = True
            for channel in range(3):
                light = np.float64(value[index, channel]) ** 2.2
                light -= levels[2, channel] ** 2 / light
                counts = np.rint(levels[0, channel] + light * levels[1, channel])
                healed[rows[index], cols[index], channel] = np.uint16(min(max(counts, 0.0), 65535.0))
