// Packs and unpacks KTX2 with the Basis Universal module beside this file (vendor/, see unpack_basis.py).
//
//   node basis.mjs encode '{"width":..,"height":..,"uastc":..,"srgb":..,"normal":..,"quality":..}'
//   node basis.mjs decode '{"level":..,"width":..,"height":..}'
//
// stdin: RGBA pixels or a KTX2 file; stdout: the other one. Exit code 3: the input cannot be packed or unpacked.
import { readFileSync, writeSync } from 'node:fs';
import BASIS from './vendor/basis_encoder.js';

const RGBA32_IMAGE = 0; // ldr_image_type
const UNUSABLE = 3;

class Unusable extends Error {}

function encode(module, rgba, options) {
  const encoder = new module.BasisEncoder();
  try {
    encoder.setStatusOutput(false);
    encoder.setCreateKTX2File(true);
    encoder.setTexType(module.basis_texture_type.cBASISTexType2D.value);
    encoder.setUASTC(options.uastc);
    encoder.setPerceptual(options.srgb);
    encoder.setKTX2AndBasisSRGBTransferFunc(options.srgb);
    encoder.setMipGen(true);
    encoder.setMipSRGB(options.srgb);
    encoder.setMipRenormalize(options.normal);
    encoder.setMipWrapping(true);
    if (options.uastc) {
      encoder.setKTX2UASTCSupercompression(true);
      encoder.setPackUASTCFlags(options.effort);
      encoder.setRDOUASTC(options.rdo > 0);
      if (options.rdo > 0) encoder.setRDOUASTCQualityScalar(options.rdo);
    } else {
      encoder.setQualityLevel(options.quality);
      encoder.setETC1SCompressionLevel(options.effort);
    }
    if (!encoder.setSliceSourceImage(0, rgba, options.width, options.height, RGBA32_IMAGE)) {
      throw new Unusable('the encoder refused the pixels');
    }
    const packed = new Uint8Array(options.width * options.height * 6 + 65536); // UASTC: 1 byte a pixel, mipmaps, slack
    const length = encoder.encode(packed);
    if (length <= 0) throw new Unusable('the encoder gave no file');
    return packed.subarray(0, length);
  } finally {
    encoder.delete();
  }
}

function decode(module, body, options) {
  const file = new module.KTX2File(body);
  try {
    if (!file.isValid() || !file.startTranscoding()) throw new Unusable('not a KTX2 file with Basis data');
    const info = file.getImageLevelInfo(options.level, 0, 0);
    if (info.origWidth !== options.width || info.origHeight !== options.height) {
      throw new Unusable('the file contradicts its header');
    }
    const format = module.transcoder_texture_format.cTFRGBA32.value;
    const rgba = new Uint8Array(options.width * options.height * 4);
    if (file.getImageTranscodedSizeInBytes(options.level, 0, 0, format) !== rgba.length
      || !file.transcodeImage(rgba, options.level, 0, 0, format, 0, -1, -1)) {
      throw new Unusable('its blocks cannot be unpacked');
    }
    return rgba;
  } finally {
    file.close();
    file.delete();
  }
}

const [mode, text] = process.argv.slice(2);
const say = (line) => writeSync(2, `${line}\n`); // stdout is for the result alone
const module = await BASIS({ print: say, printErr: say });
module.initializeBasis();
let result;
try {
  const work = mode === 'encode' ? encode : decode;
  result = work(module, new Uint8Array(readFileSync(0)), JSON.parse(text));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(UNUSABLE);
}
for (let sent = 0; sent < result.length;) sent += writeSync(1, result, sent);
