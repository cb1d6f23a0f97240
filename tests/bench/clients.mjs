// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the clients that programs are written with against a server: node clients.mjs BASE-URL MODEL. One line for each check:
// "ok CLIENT CHECK" or "FAILED CLIENT CHECK: why". Packages are found beside this file's copy (clients.py).
import { spawnSync } from 'node:child_process';
import OpenAI from 'openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, jsonSchema, streamText } from 'ai';

const [baseURL, model] = process.argv.slice(2);
const question = 'What is the capital of France?', answer = 'The capital of France is Paris.';
const messages = [{ role: 'user', content: question }];
const schema = { type: 'object', properties: { city: { type: 'string', maxLength: 12 }, size: { enum: ['small', 'big'] } },
  required: ['city', 'size'], additionalProperties: false };
let failed = 0;

function expect(condition, what) { if (!condition) throw new Error(what); }

async function check(client, name, run) {
  try { await run(); console.log(`ok\t${client}\t${name}`); }
  catch (error) { failed++; console.log(`FAILED\t${client}\t${name}\t${String(error.message ?? error).split('\n')[0]}`); }
}

// ---- openai ------------------------------------------------------------------------------------------------------
const openai = new OpenAI({ baseURL, apiKey: 'nokey', maxRetries: 0 });
const ask = (more) => openai.chat.completions.create({ model, messages, temperature: 0, ...more });

await check('openai', 'models.list', async () => {
  const ids = []; for await (const one of openai.models.list()) ids.push(one.id);
  expect(ids.includes(model), `no ${model} in ${ids}`);
});
await check('openai', 'models.retrieve', async () => expect((await openai.models.retrieve(model)).id === model, 'other id'));
await check('openai', 'chat', async () => {
  const reply = await ask();
  expect(reply.choices[0].message.content === answer, reply.choices[0].message.content);
  expect(reply.usage.total_tokens === reply.usage.prompt_tokens + reply.usage.completion_tokens, 'usage');
});
await check('openai', 'chat, streamed with usage', async () => {
  let text = '', usage, finish;
  for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? ''; finish = chunk.choices[0]?.finish_reason ?? finish; usage = chunk.usage ?? usage;
  }
  expect(text === answer && finish === 'stop' && usage.completion_tokens > 0, text);
});
await check('openai', 'chat.completions.stream helper', async () => {
  const final = await openai.chat.completions.stream({ model, messages, temperature: 0 }).finalChatCompletion();
  expect(final.choices[0].message.content === answer, final.choices[0].message.content);
});
await check('openai', 'reasoning_content', async () => {
  let thought = '';
  for await (const chunk of await ask({ stream: true, reasoning_effort: 'low' })) thought += chunk.choices[0]?.delta.reasoning_content ?? '';
  expect(thought.length > 0, 'no reasoning');
});
await check('openai', 'json_schema', async () => {
  const reply = await ask({ response_format: { type: 'json_schema', json_schema: { name: 'city', strict: true, schema } } });
  expect(['small', 'big'].includes(JSON.parse(reply.choices[0].message.content).size), reply.choices[0].message.content);
});
await check('openai', 'logprobs', async () => {
  const reply = await ask({ logprobs: true, top_logprobs: 3, max_tokens: 3, reasoning_effort: 'none' });
  expect(reply.choices[0].logprobs.content.length === 3 && reply.choices[0].logprobs.content[0].top_logprobs.length === 3, 'shape');
});
await check('openai', 'completions', async () => {
  const reply = await openai.completions.create({ model, prompt: 'The capital of', max_tokens: 4, temperature: 0 });
  expect(reply.choices[0].text.length > 0 && reply.choices[0].finish_reason === 'length', JSON.stringify(reply.choices[0]));
});
await check('openai', 'stop', async () => {
  const reply = await ask({ stop: ['France'] });
  expect(reply.choices[0].message.content === 'The capital of ', JSON.stringify(reply.choices[0].message.content));
});
await check('openai', 'tools', async () => {
  // Words to choose from: a model as small as Quern Tiny ends no text that it was not taught.
  const parameters = { type: 'object', properties: { city: { enum: ['Paris', 'Rome'] } }, required: ['city'] };
  const reply = await ask({ tools: [{ type: 'function', function: { name: 'weather', parameters } }], tool_choice: 'required', parallel_tool_calls: false });
  expect(['Paris', 'Rome'].includes(JSON.parse(reply.choices[0].message.tool_calls[0].function.arguments).city), 'no arguments');
});
await check('openai', 'unknown model: NotFoundError', async () => {
  const error = await ask({ model: 'gpt-4' }).catch((e) => e);
  expect(error instanceof OpenAI.NotFoundError && error.code === 'model_not_found', error.constructor.name);
});
await check('openai', 'bad value: BadRequestError', async () => {
  const error = await ask({ temperature: 'hot' }).catch((e) => e);
  expect(error instanceof OpenAI.BadRequestError && error.param === 'temperature', error.constructor.name);
});
await check('openai', 'aborted stream', async () => {
  const stream = await ask({ stream: true, reasoning_effort: 'high' });
  for await (const chunk of stream) { stream.controller.abort(); break; }
  expect((await ask()).choices[0].message.content === answer, 'the next question');
});
await check('openai', 'ten at once', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => ask()));
  expect(all.every((reply) => reply.choices[0].message.content === answer), 'an answer is wrong');
});

// ---- Vercel AI SDK -----------------------------------------------------------------------------------------------
const quern = createOpenAICompatible({ name: 'quern', baseURL, apiKey: 'nokey', includeUsage: true, supportsStructuredOutputs: true });
const chat = quern(model);

await check('@ai-sdk/openai-compatible', 'generateText', async () => {
  const result = await generateText({ model: chat, prompt: question, temperature: 0 });
  expect(result.text === answer && result.finishReason === 'stop' && result.usage.totalTokens > 0, result.text);
});
await check('@ai-sdk/openai-compatible', 'streamText', async () => {
  let text = ''; const result = streamText({ model: chat, prompt: question, temperature: 0 });
  for await (const part of result.textStream) text += part;
  expect(text === answer && (await result.usage).totalTokens > 0, text);
});
await check('@ai-sdk/openai-compatible', 'reasoning', async () => {
  const result = await generateText({ model: chat, prompt: question, temperature: 0, providerOptions: { quern: { reasoningEffort: 'low' } } });
  expect((result.reasoningText ?? '').length > 0, 'no reasoning');
});
await check('@ai-sdk/openai-compatible', 'generateObject', async () => {
  const { object } = await generateObject({ model: chat, schema: jsonSchema(schema), prompt: question, temperature: 0 });
  expect(['small', 'big'].includes(object.size), JSON.stringify(object));
});
await check('@ai-sdk/openai-compatible', 'completion', async () => {
  const result = await generateText({ model: quern.completionModel(model), prompt: 'The capital of', maxOutputTokens: 4, temperature: 0 });
  expect(result.text.length > 0, 'nothing');
});

// ---- curl --------------------------------------------------------------------------------------------------------
const curl = (...words) => spawnSync('curl', ['-sS', '-m', '120', ...words], { encoding: 'utf8' });

await check('curl', 'streamed', () => {
  const { stdout } = curl('-N', '-H', 'Content-Type: application/json', '-d', JSON.stringify({ messages, stream: true, temperature: 0 }), `${baseURL}/chat/completions`);
  expect(stdout.endsWith('data: [DONE]\n\n') && stdout.startsWith('data: {'), stdout.slice(-80));
});
await check('curl', 'without a content type', () => {
  const { stdout } = curl('-d', '{}', `${baseURL}/chat/completions`);
  expect(JSON.parse(stdout).error.message.includes('application/json'), stdout);
});
await check('curl', 'a large body, which it announces (100-continue)', () => {
  const body = JSON.stringify({ messages: [{ role: 'user', content: question }], temperature: 0, metadata: 'x'.repeat(2 << 20) });
  const { stdout } = spawnSync('curl', ['-sS', '-H', 'Content-Type: application/json', '-H', 'Expect: 100-continue', '-d', '@-', `${baseURL}/chat/completions`], { encoding: 'utf8', input: body });
  expect(JSON.parse(stdout).choices[0].message.content === answer, stdout.slice(0, 80));
});
process.exit(failed > 0 ? 1 : 0);
